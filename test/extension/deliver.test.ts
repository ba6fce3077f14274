import assert from "node:assert/strict";
import { test } from "node:test";
import { deliver } from "../../extension/deliver.ts";
import { failureOf, stopped, TandemFailure } from "../../extension/failure.ts";
import type { AnyRequest } from "../../server/protocol/define.ts";
import { generate, run, status } from "../../server/protocol/requests.ts";
import { type Played, playOrchestrator } from "./orchestrating.ts";

const lost = () => stopped("The orchestrator stopped");
const refused = (isStarted: boolean) =>
  new TandemFailure("shutting-down", "The orchestrator is leaving", "Run it again", {
    details: { started: isStarted },
  });
const draft = (text: string) => ({ kind: "draft", text });

/** Orchestrators one after the other, as a window finds them. */
function scene(definition: AnyRequest = run, params: object = { instruction: "x" }) {
  const played: Played[] = [];
  const connect = async () => {
    const orchestrator = playOrchestrator(lost);
    played.push(orchestrator);
    return orchestrator;
  };
  const events: { kind: string; why?: string }[] = [];
  const cancel = new AbortController();
  const result = deliver(
    { definition, params, onEvent: (event) => events.push(event), signal: cancel.signal },
    { now: connect, next: connect },
  );
  result.catch(() => undefined);
  return { result, played, events, cancel };
}

async function arrivedAt(played: readonly Played[], index: number) {
  // Connecting takes some turns of the event loop, but no time.
  for (let turns = 0; !played[index] && turns < 100; turns++) await new Promise(setImmediate);
  const orchestrator = played[index];
  assert.ok(orchestrator, `there was no orchestrator ${index + 1}`);
  return { orchestrator, ...(await orchestrator.order()) };
}

test("an answer is an answer", async () => {
  const { result, played } = scene();
  (await arrivedAt(played, 0)).answer("done");
  assert.equal(await result, "done");
});

test("a task whose orchestrator dies is done by the next one, and what came before no longer counts", async () => {
  const { result, played, events } = scene();
  const first = await arrivedAt(played, 0);
  first.order.onEvent(draft("half a "));
  first.orchestrator.die("it was killed");
  const second = await arrivedAt(played, 1);
  second.order.onEvent(draft("all of it"));
  second.answer("done");
  assert.equal(await result, "done");
  assert.deepEqual(
    events.map((it) => it.kind),
    ["draft", "retry", "draft"],
  );
  assert.match(events[1]?.why ?? "", /it was killed.*7 characters.*sent again/);
});

test("a task that is there at a second death is given up, with what was lost", async () => {
  const { result, played, events } = scene();
  (await arrivedAt(played, 0)).orchestrator.die("it was killed");
  const second = await arrivedAt(played, 1);
  second.order.onEvent(draft("four"));
  second.orchestrator.die("it was killed");
  await assert.rejects(result, (error) => {
    assert.ok(error instanceof TandemFailure);
    assert.equal(error.code, "stopped");
    assert.match(error.message, /4 characters of its answer are lost, for the second time.*untouched/);
    assert.equal(error.isRetryable, true);
    return true;
  });
  assert.equal(played.length, 2);
  assert.equal(events.filter((it) => it.kind === "retry").length, 1);
});

test("a text that was shown as it came is not begun anew", async () => {
  const { result, played } = scene(generate, { prompt: "x" });
  const first = await arrivedAt(played, 0);
  first.order.onEvent(draft("shown"));
  first.orchestrator.die("it was killed");
  await assert.rejects(result, /5 characters of its answer are lost; your file is untouched/);
});

test("a request refused before it began goes to the next one, and nobody hears of it", async () => {
  const { result, played, events } = scene();
  const first = await arrivedAt(played, 0);
  first.orchestrator.move("The orchestrator was asked to stop");
  first.refuse(refused(false));
  (await arrivedAt(played, 1)).answer("done");
  assert.equal(await result, "done");
  assert.deepEqual(events, []);
});

test("a request that was broken off because somebody stopped the orchestrator is not the cause", async () => {
  const { result, played, events } = scene();
  for (const index of [0, 1, 2]) {
    const at = await arrivedAt(played, index);
    at.orchestrator.move("The orchestrator was asked to stop");
    if (index === 1) at.orchestrator.die("it ended");
    else at.refuse(refused(true));
  }
  (await arrivedAt(played, 3)).answer("done");
  assert.equal(await result, "done");
  assert.match(events[0]?.why ?? "", /\(the orchestrator was asked to stop\).*sent again/);
});

for (const isStarted of [true, false])
  test(`orchestrators that only ever leave are not asked for ever, started: ${isStarted}`, async () => {
    const { result, played } = scene();
    const leave = async () => {
      for (let index = 0; ; index++) {
        const at = await arrivedAt(played, index);
        at.orchestrator.move("leaving");
        at.refuse(refused(isStarted));
      }
    };
    await Promise.race([assert.rejects(result, TandemFailure), leave()]);
    assert.ok(played.length <= 8, `${played.length} were asked`);
  });

test("orchestrators that die before they answer at all are not asked for ever", async () => {
  let tries = 0;
  const fail = async () => {
    tries++;
    throw stopped("The orchestrator stopped");
  };
  const order = { definition: status, params: {}, onEvent: () => undefined, signal: new AbortController().signal };
  await assert.rejects(deliver(order, { now: fail, next: fail }), /stopped/);
  assert.ok(tries > 1 && tries < 10, `${tries} tries`);
});

test("an orchestrator that cannot be started at all is told as it is, at once", async () => {
  const failure = new TandemFailure("not-configured", "It could not be started", "Look at its log");
  const fail = () => Promise.reject(failure);
  const order = { definition: status, params: {}, onEvent: () => undefined, signal: new AbortController().signal };
  await assert.rejects(deliver(order, { now: fail, next: fail }), failure);
});

test("a failure that the orchestrator tells is no loss", async () => {
  const { result, played } = scene();
  const failure = new TandemFailure("no-space", "The disk is full", "Free some");
  (await arrivedAt(played, 0)).refuse(failure);
  await assert.rejects(result, failure);
  assert.equal(played.length, 1);
});

test("cancelling works while nobody is there to be asked", async () => {
  const cancel = new AbortController();
  const never = () => new Promise<never>(() => undefined);
  const order = { definition: run, params: { instruction: "x" }, onEvent: () => undefined, signal: cancel.signal };
  const result = deliver(order, { now: never, next: never });
  cancel.abort();
  await assert.rejects(result, (error) => failureOf(error, null).code === "cancelled");
});

test("cancelling works between a loss and the reason for it", async () => {
  const { result, played, cancel } = scene();
  (await arrivedAt(played, 0)).refuse(lost());
  await new Promise(setImmediate);
  cancel.abort();
  await assert.rejects(result, (error) => failureOf(error, null).code === "cancelled");
  assert.equal(played.length, 1);
});
