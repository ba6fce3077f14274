import assert from "node:assert/strict";
import { test } from "node:test";
import { ResponseError } from "vscode-languageserver-protocol/node";
import { createClient } from "../../server/cli/client.ts";
import type { Line } from "../../server/cli/line.ts";
import { TANDEM_ERROR } from "../../server/protocol/errors.ts";
import { serve } from "../../server/protocol/requests.ts";
import { ServeParams } from "../../server/protocol/service.ts";

const never = new AbortController().signal;
const HOUR_MS = 3_600_000;

/** Orchestrators that each leave in order after some time, `count` of them; the next one answers. */
function orchestrators(count: number, liveMs: number, clock: { nowMs: number }): () => Promise<Line> {
  let left = 0;
  const data = { code: "shutting-down", nextStep: "", isRetryable: true, details: { started: false } };
  const request = async (): Promise<never> => {
    clock.nowMs += liveMs;
    if (left++ < count) throw new ResponseError(TANDEM_ERROR, "The orchestrator is leaving", data);
    return {} as never;
  };
  return async () => ({ request, end: null, close: async () => undefined });
}

const cases = [
  { name: "a door held for days moves with every upgrade", count: 20, liveMs: HOUR_MS, wants: "answer" },
  { name: "orchestrators that all leave at once are not tried for ever", count: 20, liveMs: 5, wants: "failure" },
];
for (const { name, count, liveMs, wants } of cases)
  test(name, async (t) => {
    const clock = { nowMs: 0 };
    t.mock.method(performance, "now", () => clock.nowMs);
    const client = await createClient(orchestrators(count, liveMs, clock));
    const sent = client.send(serve, ServeParams.parse({}), () => undefined, never);
    if (wants === "answer") await sent;
    else await assert.rejects(sent, /leaving/);
  });
