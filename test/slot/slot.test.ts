import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_TERMS } from "../../server/core/assign.ts";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import { TandemError } from "../../server/errors.ts";
import type { Engine } from "../../server/ports.ts";
import { createSlot } from "../../server/slot/slot.ts";
import type { Place } from "../../server/slot/state.ts";
import { silentLog } from "../fakes/log.ts";

const MODEL = {
  id: "m",
  label: "M",
  parametersB: 1,
  quantisation: null,
  contextTokens: 512,
  promptStyle: "chat",
  isTrial: false,
} as const;
const DEPS = { clock: { nowMs: () => 0 }, log: silentLog, onChange: () => undefined };
const HERE = { id: "cpu", needs: [], why: "a test" };
const never = new AbortController().signal;

function engine(slots: number): Engine & { closed: number; die: (why: string) => void } {
  const gone = Promise.withResolvers<string>();
  const made = {
    model: MODEL,
    device: "cpu",
    slots,
    pid: null,
    closed: 0,
    gone: gone.promise,
    held: null,
    trim: null,
    placement: null,
    die: gone.resolve,
    async *generate() {},
    serves: [],
    relay: null,
    embed: null,
    async [Symbol.asyncDispose]() {
      made.closed++;
    },
  };
  return made;
}

/** A place whose loads are ended by the test, one by one; each sees its own signal. */
function held() {
  const loads: { signal: AbortSignal; done: PromiseWithResolvers<Engine> }[] = [];
  const place: Place = {
    config: {
      id: "e",
      roles: ["draft"],
      source: {
        kind: "embedded",
        model: "m",
        use: "write",
        substitute: null,
        device: "cpu",
        threads: 1,
        llamaServer: "",
        options: DEFAULT_OPTIONS,
        contextTokens: null,
        terms: NO_TERMS,
      },
    },
    expected: MODEL,
    prepare: async () => ({
      loadable: { label: "M", kind: "writer", options: [HERE], slots: 1, loadMs: 0, weight: 1 },
      open(_option, _emit, signal) {
        const done = Promise.withResolvers<Engine>();
        loads.push({ signal, done });
        return done.promise;
      },
      waysToFit: () => null,
    }),
  };
  return { place, loads };
}

const turns = () => new Promise<void>((resolve) => setImmediate(resolve));

test("a task cancelled while the engine loads does not cancel the next in line", async () => {
  const { place, loads } = held();
  const slot = createSlot(place, DEPS);
  const stop = new AbortController();
  const first = slot.acquire(() => undefined, stop.signal);
  const second = slot.acquire(() => undefined, never);
  await turns();
  stop.abort();
  await assert.rejects(first, (error: TandemError) => error.code === "cancelled");
  assert.equal(loads[0]?.signal.aborted, true);
  await turns();
  assert.equal(loads.length, 1, "the next load waits until the one that was given up is over");
  loads[0]?.done.reject(new TandemError("cancelled", "given up", "nothing"));
  await turns();
  const ready = engine(1);
  loads[1]?.done.resolve(ready);
  assert.equal((await second).engine, ready);
});

test("a failed load fails its task, and the next one tries again", async () => {
  const { place, loads } = held();
  const slot = createSlot(place, DEPS);
  const first = slot.acquire(() => undefined, never);
  const second = slot.acquire(() => undefined, never);
  await turns();
  loads[0]?.done.reject(new TandemError("no-memory", "too large", "take a smaller one"));
  await assert.rejects(first, /too large/);
  await turns();
  const ready = engine(1);
  loads[1]?.done.resolve(ready);
  assert.equal((await second).engine, ready);
  assert.equal(slot.status().failures, 0);
});

test("an engine with several slots lets in as many as it has, the rest in order", async () => {
  const { place, loads } = held();
  const slot = createSlot(place, DEPS);
  const positions: number[][] = [[], [], []];
  const asked = positions.map((seen) =>
    slot.acquire((event) => event.kind === "waiting" && seen.push(event.position), never),
  );
  await turns();
  loads[0]?.done.resolve(engine(2));
  const [first, second] = [await asked[0], await asked[1]];
  assert.deepEqual(positions, [[], [1, 1], [2, 1]]);
  assert.equal(slot.tryAcquire(), null, "nobody overtakes the one in line");
  first?.[Symbol.dispose]();
  const third = await asked[2];
  second?.[Symbol.dispose]();
  third?.[Symbol.dispose]();
  assert.ok(slot.tryAcquire());
});

test("an engine that dies is loaded anew; one that is retired is closed when its last task is done", async () => {
  const { place, loads } = held();
  const slot = createSlot(place, DEPS);
  const asked = slot.acquire(() => undefined, never);
  await turns();
  const mortal = engine(1);
  loads[0]?.done.resolve(mortal);
  (await asked)[Symbol.dispose]();
  mortal.die("killed");
  await turns();
  assert.equal(slot.status().state, "failed");
  const again = slot.acquire(() => undefined, never);
  await turns();
  const heir = engine(1);
  loads[1]?.done.resolve(heir);
  const lease = await again;
  void slot.retire();
  assert.equal(heir.closed, 0);
  lease[Symbol.dispose]();
  await turns();
  assert.equal(heir.closed, 1);
});
