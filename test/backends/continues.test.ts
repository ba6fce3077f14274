import assert from "node:assert/strict";
import { test } from "node:test";
import { openEndpoint } from "../../server/backends/openai.ts";
import { TandemError } from "../../server/errors.ts";
import type { GenerateRequest } from "../../server/ports.ts";
import { silentLog } from "../fakes/log.ts";
import type { Flavour } from "../fakes/openaiFlavour.ts";
import type { Script } from "../fakes/openaiScript.ts";
import { type FakeRequest, startFakeLlama } from "../fakes/openaiServer.ts";
import { ask, chatRequest, textRequest } from "./ask.ts";

const never = new AbortController().signal;
const BEFORE = "export function mean(values: number[]): number {\n  const sum = values.reduce(";
const REST = "(a, b) => a + b, 0);\n  return sum / values.length;\n}\n";
const LINE = "  const sum = values.reduce(";

interface Asked {
  readonly text: string;
  readonly requests: readonly FakeRequest[];
}

async function asked(
  flavour: Flavour,
  request: GenerateRequest,
  reply: (it: FakeRequest) => string | Script,
): Promise<Asked> {
  await using fake = await startFakeLlama({ flavour, reply });
  const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
  await using engine = await openEndpoint(spec, { log: silentLog }, never);
  return { text: (await ask(engine, request)).text, requests: [...fake.requests] };
}

const chat = chatRequest("Write mean.", { continues: BEFORE });
const cases: readonly { name: string; flavour: Flavour; says: string }[] = [
  { name: "llama-server goes on in the open turn", flavour: "llama-server", says: REST },
  { name: "vLLM goes on in the open turn", flavour: "vllm", says: REST },
  { name: "Ollama goes on in the open turn", flavour: "ollama", says: REST },
  { name: "Ollama with a template that begins anew", flavour: "ollama", says: BEFORE + REST },
  { name: "any other repeats the last line as it was told", flavour: "plain", says: LINE + REST },
  { name: "any other does not repeat it", flavour: "plain", says: REST },
  { name: "any other begins anew, in a fence", flavour: "plain", says: `\`\`\`ts\n${BEFORE}${REST.trimEnd()}\n\`\`\`` },
];
for (const { name, flavour, says } of cases)
  test(name, async () => {
    const { text, requests } = await asked(flavour, chat, () => says);
    assert.equal(BEFORE + text.trimEnd(), BEFORE + REST.trimEnd());
    const { body } = requests[0] ?? assert.fail("nothing was sent");
    const last = body.messages?.at(-1);
    if (flavour === "plain") assert.equal(last?.role, "user");
    else assert.deepEqual([last?.role, last?.content], ["assistant", BEFORE]);
    const isOwn = flavour === "vllm";
    assert.deepEqual(
      [body.add_generation_prompt, body.continue_final_message],
      isOwn ? [false, true] : [undefined, undefined],
    );
  });

for (const flavour of ["llama-server", "vllm", "ollama", "plain"] as const)
  test(`${flavour}: text is simply longer`, async () => {
    const { text, requests } = await asked(flavour, textRequest("// mean\n", { continues: BEFORE }), () => REST);
    assert.equal(text, REST);
    assert.equal(requests[0]?.body.prompt, `// mean\n${BEFORE}`);
  });

test("a server that goes on natively may repeat a line: nothing of it is taken for an echo", async () => {
  const row = "  [0, 0, 0, 0, 0, 0],\n";
  const { text } = await asked("vllm", chatRequest("A matrix.", { continues: `[\n${row}` }), () => `${row}];\n`);
  assert.equal(text, `${row}];\n`);
});

test("a server that refuses an open turn is asked in words, from then on", async () => {
  const message = "Assistant response prefill is incompatible with enable_thinking.";
  const refusal: Script = {
    fault: { kind: "status", status: 400, body: { error: { code: 400, message, type: "x" } } },
  };
  const reply = ({ body }: FakeRequest) => (body.messages?.at(-1)?.role === "assistant" ? refusal : LINE + REST);
  const { text, requests } = await asked("llama-server", chat, reply);
  assert.equal(text, REST);
  assert.deepEqual(
    requests.map(({ body }) => body.messages?.at(-1)?.role),
    ["assistant", "user"],
  );
});

test("a model whose template begins its thoughts thinks again where it is asked in words: they are no part of the answer", async () => {
  await using fake = await startFakeLlama({
    flavour: "plain",
    models: ["deepseek-r1-distill"],
    reply: () => `It broke off in reduce(, so go on there.\n</think>\n\n${LINE}${REST}`,
  });
  const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
  await using engine = await openEndpoint(spec, { log: silentLog }, never);
  assert.equal((await ask(engine, chat)).text, REST);
});

test("an answer that was already open stays one turn", async () => {
  const messages = [
    { role: "user", content: "Write mean." },
    { role: "assistant", content: "```ts\n" },
  ] as const;
  const request = { ...chat, prompt: { kind: "chat", messages } } as const;
  const { requests } = await asked("vllm", request, () => REST);
  assert.deepEqual(
    requests[0]?.body.messages?.map((it) => it.content),
    ["Write mean.", `\`\`\`ts\n${BEFORE}`],
  );
});

test("an answer that is quite another one continues nothing, and says so", async () => {
  const other = `${BEFORE.slice(0, 50)}${"  throw new Error('not yet');\n".repeat(6)}`;
  await assert.rejects(
    asked("plain", chat, () => other),
    (error) => error instanceof TandemError && error.code === "provider" && /anew/.test(error.message),
  );
});
