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

/** Of a role of which nobody says anything. */
const NOTHING = { draft: {}, audit: {}, embed: {}, low: {}, high: {}, cloud: {} };

const layers: readonly { name: string; flags?: Record<string, string>; env: Record<string, string>; want: object }[] = [
  { name: "what nobody says is left to the configuration file", env: {}, want: NOTHING },
  {
    name: "a flag is over its variable, and a variable over its other name",
    flags: { device: "cpu" },
    env: { TANDEM_DRAFT_DEVICE: "cuda:0", NEURALCURSOR_GPU_EMBEDDING_DEVICE: "cuda:1", TANDEM_MAX_TOKENS: "64" },
    want: { ...NOTHING, draft: { device: "cpu" }, embed: { device: "cuda:1" }, maxTokens: 64 },
  },
  {
    name: "a key in a variable is for the endpoint on the command line",
    flags: { endpoint: "http://a" },
    env: { TANDEM_DRAFT_API_KEY: "k", TANDEM_DRAFT_MODEL: "m" },
    want: { ...NOTHING, draft: { endpoint: "http://a", model: "m", apiKey: "k" } },
  },
  {
    name: "unless the variables have an endpoint of their own",
    flags: { endpoint: "http://a" },
    env: { TANDEM_DRAFT_API_KEY: "k", TANDEM_DRAFT_ENDPOINT: "http://b" },
    want: { ...NOTHING, draft: { endpoint: "http://a" } },
  },
  {
    name: "the tiers have providers of their own",
    flags: { "low-model": "small", "high-endpoint": "http://h", "audit-seconds": "5" },
    env: { TANDEM_LOW_DEVICE: "cpu", TANDEM_HIGH_API_KEY: "k", TANDEM_REPAIR: "once", TANDEM_CONNECT_TIMEOUT: "2" },
    want: {
      ...NOTHING,
      low: { model: "small", device: "cpu" },
      high: { endpoint: "http://h", apiKey: "k" },
      ...{ auditSeconds: 5, repair: "once", connectTimeoutS: 2 },
    },
  },
  {
    name: "the cloud by variables",
    env: {
      TANDEM_CLOUD_ENDPOINT: "https://c",
      TANDEM_CLOUD_TIERS: "simple, complex",
      TANDEM_CLOUD_KEEP_LOCAL: "a,b/c",
    },
    want: { ...NOTHING, cloud: { endpoint: "https://c", tiers: ["simple", "complex"], keepLocal: ["a", "b/c"] } },
  },
  {
    name: "the cloud is switched off for one command",
    flags: { cloud: "never" },
    env: { TANDEM_CLOUD_ENDPOINT: "https://c", TANDEM_CLOUD_TIERS: "simple" },
    want: { ...NOTHING, cloud: { endpoint: "https://c", tiers: [] } },
  },
  {
    name: "what the variables allow, and their key, is for their own provider; what they keep here is kept",
    flags: { "cloud-endpoint": "https://d" },
    env: {
      ...{ TANDEM_CLOUD_ENDPOINT: "https://c", TANDEM_CLOUD_TIERS: "simple", TANDEM_CLOUD_API_KEY: "k" },
      ...{ TANDEM_CLOUD_MODEL: "m", TANDEM_CLOUD_KEEP_LOCAL: "a" },
    },
    want: { ...NOTHING, cloud: { endpoint: "https://d", keepLocal: ["a"] } },
  },
];

for (const { name, flags = {}, env, want } of layers)
  test(name, () => assert.deepEqual(JSON.parse(JSON.stringify(settingsFrom(flags, env))), want));

for (const [env, wrong] of [
  [{ TANDEM_MAX_TOKENS: "many" }, /TANDEM_MAX_TOKENS: "many" is no number/],
  [{ TANDEM_DRAFT_DEVICE: "toaster" }, /TANDEM_DRAFT_DEVICE/],
  [{ TANDEM_CLOUD_TIERS: "simple,all" }, /TANDEM_CLOUD_TIERS/],
  [
    { TANDEM_CLOUD_KEEP_LOCAL: "a*b*c*d*e" },
    /TANDEM_CLOUD_KEEP_LOCAL\): at most three \*|TANDEM_CLOUD_KEEP_LOCAL: at most three/,
  ],
] as const)
  test(`${Object.keys(env)} is told by its name`, () => assert.throws(() => settingsFrom({}, env), wrong));
