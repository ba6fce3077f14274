import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { settingsFrom } from "../../server/cli/settings.ts";

const cases: readonly { name: string; flags: Record<string, string>; want: string }[] = [
  { name: "a file beside the command", flags: { model: "file:coder.gguf" }, want: `file:${resolve("coder.gguf")}` },
  {
    name: "a plain path of a GGUF",
    flags: { model: "models/coder.GGUF" },
    want: `file:${resolve("models/coder.GGUF")}`,
  },
  { name: "a URL says where itself", flags: { model: "file:///models/coder.gguf" }, want: "file:///models/coder.gguf" },
  { name: "so does the home folder", flags: { model: "file:~/coder.gguf" }, want: "file:~/coder.gguf" },
  { name: "a catalogue id", flags: { model: "qwen2.5-coder-3b" }, want: "qwen2.5-coder-3b" },
  {
    name: "an endpoint's models have names",
    flags: { endpoint: "http://127.0.0.1:8080", model: "coder.gguf" },
    want: "coder.gguf",
  },
];

for (const { name, flags, want } of cases)
  test(`--model: ${name}`, () => assert.equal(settingsFrom(flags, {}).draft?.model, want));

const layers: readonly { name: string; flags?: Record<string, string>; env: Record<string, string>; want: object }[] = [
  { name: "what nobody says is left to the configuration file", env: {}, want: { draft: {}, audit: {}, embed: {} } },
  {
    name: "a flag is over its variable, and a variable over its other name",
    flags: { device: "cpu" },
    env: { TANDEM_DRAFT_DEVICE: "cuda:0", NEURALCURSOR_GPU_EMBEDDING_DEVICE: "cuda:1", TANDEM_MAX_TOKENS: "64" },
    want: { draft: { device: "cpu" }, audit: {}, embed: { device: "cuda:1" }, maxTokens: 64 },
  },
  {
    name: "a key in a variable is for the endpoint on the command line",
    flags: { endpoint: "http://a" },
    env: { TANDEM_DRAFT_API_KEY: "k", TANDEM_DRAFT_MODEL: "m" },
    want: { draft: { endpoint: "http://a", model: "m", apiKey: "k" }, audit: {}, embed: {} },
  },
  {
    name: "unless the variables have an endpoint of their own",
    flags: { endpoint: "http://a" },
    env: { TANDEM_DRAFT_API_KEY: "k", TANDEM_DRAFT_ENDPOINT: "http://b" },
    want: { draft: { endpoint: "http://a" }, audit: {}, embed: {} },
  },
];

for (const { name, flags = {}, env, want } of layers)
  test(name, () => assert.deepEqual(JSON.parse(JSON.stringify(settingsFrom(flags, env))), want));

for (const [env, wrong] of [
  [{ TANDEM_MAX_TOKENS: "many" }, /TANDEM_MAX_TOKENS: "many" is no number/],
  [{ TANDEM_DRAFT_DEVICE: "toaster" }, /TANDEM_DRAFT_DEVICE/],
] as const)
  test(`${Object.keys(env)} is told by its name`, () => assert.throws(() => settingsFrom({}, env), wrong));
