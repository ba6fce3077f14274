import assert from "node:assert/strict";
import { test } from "node:test";
import { fromSimple, SimpleParams, SimpleResult, toSimple } from "../../server/protocol/simple.ts";

test("what is left out is as it is documented", () => {
  const asked = fromSimple(SimpleParams.parse({ prompt: "Why?" }));
  assert.deepEqual(asked.messages, [{ role: "user", content: "Why?" }]);
  assert.deepEqual([asked.maxTokens, asked.temperature, asked.topP], [256, 0.7, 0.95]);
});

test("without sampling the answer is the likeliest, whatever the temperature", () => {
  const asked = fromSimple(SimpleParams.parse({ prompt: "Why?", temperature: 1.5, top_p: 0.5, do_sample: false }));
  assert.deepEqual([asked.temperature, asked.topP], [0, 1]);
});

test("the result counts what was written, and the seconds it took", () => {
  const model = {
    id: "m",
    label: "m",
    parametersB: null,
    quantisation: null,
    contextTokens: 4_096,
    promptStyle: "chat",
    isTrial: false,
  } as const;
  const generated = {
    text: "Because.",
    promptTokens: 9,
    completionTokens: 128,
    tokensUsed: 137,
    latencyMs: 1_230,
    ttftMs: 100,
    finish: "stop",
    model,
    device: "cpu",
  } as const;
  const result = SimpleResult.parse(toSimple(generated));
  assert.deepEqual(
    [result.generated_text, result.token_count, result.computation_time, result.throughput.toFixed(1)],
    ["Because.", 128, 1.23, "104.1"],
  );
  assert.equal(toSimple({ ...generated, latencyMs: 0 }).throughput, 0);
});

for (const prompt of [undefined, "", 7])
  test(`no prompt: ${prompt}`, () => assert.equal(SimpleParams.safeParse({ prompt }).success, false));

test("a field there is not is refused, since it would do nothing; what there is goes on", () => {
  assert.match(SimpleParams.safeParse({ prompt: "Why?", max_tokens: 5 }).error?.message ?? "", /max_tokens/);
  const { seed, stop, repeatPenalty } = fromSimple(
    SimpleParams.parse({ prompt: "Why?", seed: 7, stop: ["\n"], repetition_penalty: 1.2 }),
  );
  assert.deepEqual({ seed, stop, repeatPenalty }, { seed: 7, stop: ["\n"], repeatPenalty: 1.2 });
});
