import assert from "node:assert/strict";
import { test } from "node:test";
import { healthOf } from "../../server/transport/http/health.ts";

const cases = [
  { name: "nothing set up yet", states: [], isDraining: false, want: "healthy" },
  { name: "one that works and one that loads", states: ["ready", "loading"], isDraining: false, want: "healthy" },
  { name: "one of two failed", states: ["ready", "failed"], isDraining: false, want: "degraded" },
  { name: "all failed", states: ["failed", "failed"], isDraining: false, want: "down" },
  { name: "about to leave", states: ["ready"], isDraining: true, want: "degraded" },
] as const;
for (const { name, states, isDraining, want } of cases)
  test(`${name}: ${want}`, () =>
    assert.equal(healthOf({ engines: states.map((state) => ({ state })), isDraining }), want));
