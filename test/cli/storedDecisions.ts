import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import type { Client } from "../../server/cli/client.ts";
import { route } from "../../server/core/route/decide.ts";
import { recordOf } from "../../server/core/route/record.ts";
import type { RouteInput } from "../../server/core/route.ts";
import { decisions, type JournalEntry } from "../../server/protocol/decisions.ts";
import { routable } from "../core/routable.ts";
import { decisionOf } from "../journal/place.ts";

export const AT_MS = new Date(2026, 0, 31, 9, 5, 0).getTime();

export const ORDINARY: RouteInput = {
  tier: "moderate",
  isAudited: false,
  promptTokens: 1_000,
  outputTokens: 100,
  engines: [
    routable("large", { device: "cuda:0", backend: "llama-server" }),
    routable("small", { device: "cuda:1", decodePerSecond: 40, failures: 1, isResident: false, loadMs: 800 }),
  ],
};

/** A decision as the orchestrator makes and stores it. */
export function storedDecision(
  id: string,
  more: Partial<RouteInput> = {},
  given: Partial<JournalEntry> = {},
): JournalEntry {
  const input = { ...ORDINARY, ...more };
  const made = route(input) ?? assert.fail();
  const { engine, model, device, cost } = made.draft;
  const backend = input.engines.find((it) => it.id === engine)?.backend ?? null;
  const chosen = { engine, model, device, backend, estimatedMs: cost.totalMs, why: made.why };
  const entry = { ...decisionOf(id, { atMs: AT_MS }), ...chosen, candidates: [...made.candidates], outcome: null };
  return { ...entry, input: recordOf(input, made), ...given };
}

/** An orchestrator with these decisions, newest first, as they come through the contract. */
export function journalClient(entries: readonly JournalEntry[]): Client {
  return {
    async send(definition, params) {
      assert.equal(definition.method, decisions.method);
      const { limit, before, id, withInput } = decisions.params.parse(params);
      const from = before === undefined ? 0 : entries.findIndex((it) => it.id === before) + 1;
      const page = entries.slice(from).filter((it) => id === undefined || it.id === id);
      const shown = page
        .slice(0, limit)
        .map(({ input, ...it }) => (input && (withInput || id) ? { ...it, input } : it));
      return definition.result.parse({ decisions: shown });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** What a command writes. */
export async function written(show: (out: PassThrough) => Promise<void>): Promise<string[]> {
  const out = new PassThrough();
  await show(out);
  return String(out.read() ?? "").split("\n");
}
