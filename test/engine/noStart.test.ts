import assert from "node:assert/strict";
import { test } from "node:test";
import { noStart } from "../../server/engine/noStart.ts";

const none = new Error("NoBinaryFoundError");
const cases = [
  {
    gpu: "cuda",
    cause: none,
    says: /on CUDA: no build of it .* drivers$/,
    next: /`tandem get cuda`/,
    never: /vulkan:0/,
  },
  { gpu: "vulkan", cause: none, says: /on Vulkan: no build of it/, next: /Vulkan driver/, never: /"vulkan/ },
  { gpu: "metal", cause: "there is no build", says: /on Metal: there is no build$/, next: /"auto"/, never: /driver/ },
  { gpu: "none", cause: new Error("no"), says: /on the processor: no$/, next: /endpoint/, never: /"cpu"/ },
] as const;

for (const { gpu, cause, says, next, never } of cases)
  test(`what cannot start on ${gpu} is told with what helps there`, () => {
    const error = noStart(gpu, cause);
    assert.deepEqual([error.code, error.cause], ["not-configured", cause]);
    assert.match(error.message, says);
    assert.doesNotMatch(error.message, /NoBinaryFound/);
    assert.match(error.nextStep, next);
    assert.doesNotMatch(error.nextStep, never, "not what has just failed");
  });
