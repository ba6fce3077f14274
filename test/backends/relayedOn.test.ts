import assert from "node:assert/strict";
import { test } from "node:test";
import { bodyBehind, goesOnAt } from "../../server/backends/relayedOn.ts";
import type { RelayRequest } from "../../server/relaying.ts";

const user = { role: "user", content: "Why?" };
const CHAT = "/chat/completions";
const OWN = { add_generation_prompt: false, continue_final_message: true };
const said = (content: unknown) => ({ role: "assistant", content });
const parts = (...texts: string[]) => texts.map((text) => ({ type: "text", text }));

interface Case {
  readonly name: string;
  readonly path: RelayRequest["path"];
  readonly body: RelayRequest["body"];
  readonly want: object;
  readonly dialect?: "vllm";
}
const cases: readonly Case[] = [
  { name: "a turn is begun", path: CHAT, body: { messages: [user] }, want: { messages: [user, said("As")] } },
  {
    name: "vLLM is told",
    path: CHAT,
    dialect: "vllm",
    body: { messages: [] },
    want: { ...OWN, messages: [said("As")] },
  },
  {
    name: "one that is there goes on",
    path: CHAT,
    body: { messages: [said("Mm. ")] },
    want: { messages: [said("Mm. As")] },
  },
  {
    name: "one in parts too",
    path: CHAT,
    body: { messages: [said(parts("Mm. "))] },
    want: { messages: [said(parts("Mm. ", "As"))] },
  },
  { name: "one that is empty too", path: CHAT, body: { messages: [said(null)] }, want: { messages: [said("As")] } },
  { name: "a text", path: "/completions", body: { prompt: "Why? ", top_k: 3 }, want: { prompt: "Why? As", top_k: 3 } },
  { name: "the only one of a list", path: "/completions", body: { prompt: ["Why? "] }, want: { prompt: "Why? As" } },
];
for (const { name, path, body, want, dialect = "llama-server" } of cases)
  test(`what is asked behind a text: ${name}`, () => assert.deepEqual(bodyBehind("As", { path, body }, dialect), want));

test("where nothing is out the request is as it was", () => {
  const body = { messages: [user] };
  assert.equal(bodyBehind("", { path: CHAT, body }, "vllm"), body);
});

test("who goes on as told", () => {
  const dialects = ["llama-server", "vllm", "ollama", "openai"] as const;
  const at = (path: RelayRequest["path"]) => dialects.filter((it) => goesOnAt(path, it));
  assert.deepEqual(at(CHAT), ["llama-server", "vllm"]);
  assert.deepEqual(at("/completions"), dialects);
  assert.deepEqual(at("/embeddings"), []);
});
