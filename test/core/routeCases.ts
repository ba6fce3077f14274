import assert from "node:assert/strict";
import { test } from "node:test";
import { route } from "../../server/core/route/decide.ts";
import type { EngineView, RouteInput } from "../../server/core/route.ts";
import { routable } from "./routable.ts";

export interface Case {
  readonly name: string;
  readonly input: Partial<RouteInput>;
  readonly want: readonly [draft: string, audit: string | null] | null;
}

export const engine = (id: string, roles: EngineView["roles"], more: Partial<EngineView> = {}) =>
  routable(id, { roles, ...more });

export const LARGE = engine("large", ["draft"]);
export const SMALL = engine("small", ["audit"], { prefillPerSecond: 4_000, decodePerSecond: 200, device: "cuda:1" });
export const BOTH = engine("both", ["draft", "audit"]);

export const HIGH = engine("high", ["high"]);
export const CLOUD = engine("cloud", ["cloud"], { isCloud: true, decodePerSecond: 300, device: "api.example.com" });
export const FALLBACK = { isAllowed: true, why: "the user allows it", when: "fallback" } as const;
export const OPEN = { state: "open", retryInMs: 9_000, why: "it refused connections" } as const;
export const HALF = { state: "half-open", retryInMs: null, why: "it refused connections" } as const;
export const LLAMA = { backend: "llama-server", slots: 4 } as const;
export const VLLM = { backend: "vllm", slots: 64 } as const;

export const ORDINARY: RouteInput = {
  tier: "complex",
  isAudited: false,
  promptTokens: 1_000,
  outputTokens: 100,
  engines: [LARGE, SMALL],
};

/** Who drafts and who audits in each. */
export function checkAll(cases: readonly Case[]): void {
  for (const { name, input, want } of cases)
    test(name, () => {
      const made = route({ ...ORDINARY, ...input });
      assert.deepEqual(made && [made.draft.engine, made.audit?.engine ?? null], want);
      const isAsked = (it: EngineView) => !it.isCloud || input.cloud?.isAllowed;
      const writing = (input.engines ?? ORDINARY.engines).filter(
        (engine) => engine.roles.some((it) => it !== "embed") && isAsked(engine),
      );
      assert.equal(made?.candidates.length, made ? writing.length : undefined);
      if (made) assert.match(made.why, new RegExp(made.draft.model));
    });
}
