import assert from "node:assert/strict";
import { test } from "node:test";
import { afterLoss, type LostRequest } from "../../server/protocol/loss.ts";
import { generate, run, stop } from "../../server/protocol/requests.ts";

const cases: readonly { name: string; lost: LostRequest; want: "resend" | "give-up"; says: RegExp }[] = [
  {
    name: "what can be thrown away is sent again, and the user hears what was lost",
    lost: { definition: run, sent: 1, ranMs: 900, receivedChars: 212 },
    want: "resend",
    says: /stopped \(killed\); 212 characters of its answer are lost, and the request was sent again/,
  },
  {
    name: "text that was shown cannot be taken back",
    lost: { definition: generate, sent: 1, ranMs: 900, receivedChars: 5 },
    want: "give-up",
    says: /5 characters of its answer are lost$/,
  },
  {
    name: "one character is one",
    lost: { definition: generate, sent: 1, ranMs: 900, receivedChars: 1 },
    want: "give-up",
    says: /; 1 character of its answer is lost$/,
  },
  {
    name: "as long as nothing was shown, anything is sent again",
    lost: { definition: generate, sent: 1, ranMs: 900, receivedChars: 0 },
    want: "resend",
    says: /nothing had come back yet/,
  },
  {
    name: "a request that was there at two deaths is not given to a third orchestrator",
    lost: { definition: run, sent: 2, ranMs: 900, receivedChars: 0 },
    want: "give-up",
    says: /second time in a row/,
  },
  {
    name: "who asked one orchestrator to stop does not mean the next",
    lost: { definition: stop, sent: 1, ranMs: 900, receivedChars: 0 },
    want: "give-up",
    says: /nothing had come back yet$/,
  },
  {
    name: "unless it had been there for a long time",
    lost: { definition: run, sent: 2, ranMs: 60_000, receivedChars: 0 },
    want: "resend",
    says: /sent again/,
  },
];

for (const { name, lost, want, says } of cases)
  test(name, () => {
    const verdict = afterLoss(lost, "killed");
    assert.equal(verdict.kind, want);
    assert.match(verdict.why, says);
  });
