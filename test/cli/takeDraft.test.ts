import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { Client } from "../../server/cli/client.ts";
import { takeOnEnter } from "../../server/cli/takeDraft.ts";
import type { RunEvent } from "../../server/protocol/run.ts";

const DRAFTED: RunEvent = { kind: "drafted" };
const RETRY: RunEvent = { kind: "retry", attempt: 2, why: "it does not parse" };
const ENTER = "enter";

const cases = [
  { name: "Enter takes a draft whose audit goes on", steps: [DRAFTED, ENTER], accepted: 1, hints: 1 },
  { name: "once is enough", steps: [DRAFTED, ENTER, ENTER], accepted: 1, hints: 1 },
  { name: "Enter takes nothing before there is a draft", steps: [ENTER], accepted: 0, hints: 0 },
  { name: "nor a draft that is being written again", steps: [DRAFTED, RETRY, ENTER], accepted: 0, hints: 1 },
  { name: "but the next one", steps: [DRAFTED, RETRY, DRAFTED, ENTER], accepted: 1, hints: 2 },
] as const;

for (const { name, steps, accepted, hints } of cases)
  test(name, () => {
    const sent: unknown[] = [];
    const shown: RunEvent[] = [];
    const client = {
      send: (definition: { method: string }, params: unknown) => {
        sent.push([definition.method, params]);
        return Promise.resolve({ isFound: true });
      },
    };
    const input = new PassThrough();
    const printer = { event: (it: RunEvent) => shown.push(it), result: () => undefined, failure: () => undefined };
    using taking = takeOnEnter({ client: client as unknown as Client, ticket: "mine", printer, input });
    for (const step of steps)
      if (step === ENTER) input.emit("data", Buffer.from("\n"));
      else taking.event(step);
    assert.deepEqual(
      sent,
      Array.from({ length: accepted }, () => ["tandem/run/accept", { ticket: "mine" }]),
    );
    assert.equal(shown.filter((it) => it.kind === "notice" && /Enter takes the draft/.test(it.message)).length, hints);
  });

test("the keyboard is left alone once the run is over, so that the program can end", () => {
  const input = new PassThrough();
  const printer = { event: () => undefined, result: () => undefined, failure: () => undefined };
  const client = { send: () => assert.fail("nothing was asked") };
  {
    using taking = takeOnEnter({ client: client as unknown as Client, ticket: "mine", printer, input });
    taking.event(DRAFTED);
    assert.equal(input.isPaused(), false);
  }
  assert.equal(input.isPaused(), true);
  input.emit("data", Buffer.from("\n"));
});
