import assert from "node:assert/strict";
import { test } from "node:test";
import { assign, type EngineConfig } from "../../server/core/assign.ts";
import { governRulesOf, pressureRulesOf, reserveBytesOf, thermalRulesOf } from "../../server/core/configured.ts";
import { GOVERN_RULES } from "../../server/core/govern/rules.ts";
import { type ConfigPart, layered, settingsIn } from "../../server/core/layers.ts";
import { PRESSURE_RULES } from "../../server/core/pressure.ts";
import { forced, meant, sourceOf } from "../../server/core/registered.ts";
import { THERMAL_RULES } from "../../server/core/thermal.ts";
import { Config } from "../../server/protocol/config.ts";
import { ClientSettings, Settings } from "../../server/protocol/settings.ts";

const HARDWARE = { ramBytes: 16e9, cores: 8, gpus: [] };
const CHOICE = { draft: { model: "d", gpu: "cuda:0" }, audit: { model: "a", gpu: "cuda:1" }, why: "" };

/** The engines that a configuration file gives, with what a client says on top. */
function engines(file: unknown, client: unknown = {}): EngineConfig[] {
  const config = Config.parse(file);
  const settings = Settings.parse(layered(settingsIn(file as ConfigPart), ClientSettings.parse(client)));
  const registered: NonNullable<Parameters<typeof assign>[1]["registered"]> = (name, role, given) => {
    const model = meant(config.models, name, role);
    return model && sourceOf(model, { ...given, backends: config.backends });
  };
  const configs = assign(settings, { hardware: HARDWARE, choice: CHOICE, stand: null, registered });
  return configs.map((it) => forced(it, config.backends));
}

function said({ id, source, refusal }: EngineConfig): string {
  if (refusal) return `${id}: ${refusal.code}`;
  switch (source.kind) {
    case "endpoint":
      return `${id}: ${source.url}#${source.modelName ?? "-"}${source.apiKey && ` (${source.apiKey})`}`;
    case "vllm":
      return `${id}: vllm ${source.source}@${source.device}`;
    case "embedded":
      return `${id}: ${source.model}@${source.device}${source.llamaServer && ` in ${source.llamaServer}`}`;
  }
}

const CODER = { name: "coder", model: "/m/coder.gguf", device: "cuda:1" };
const PHI = { name: "phi", backend: "ollama", model: "phi3:mini" };
const QWEN = { name: "qwen", backend: "vllm", model: "Qwen/Qwen2.5-Coder-7B" };

const cases: readonly { name: string; file: unknown; client?: object; want: readonly string[] }[] = [
  { name: "nothing said", file: {}, want: ["draft: d@cuda:0", "audit: a@cuda:1"] },
  {
    name: "a role names a model of the file: the audit uses it too",
    file: { models: [CODER], roles: { draft: { model: "coder" } } },
    want: ["draft: /m/coder.gguf@cuda:1", "audit: /m/coder.gguf@cuda:1"],
  },
  {
    name: "the role's device is over the model's",
    file: { models: [CODER], roles: { draft: { model: "coder", device: "cuda:0" }, audit: { device: "cpu" } } },
    want: ["draft: /m/coder.gguf@cuda:0", "audit: /m/coder.gguf@cpu"],
  },
  {
    name: "a model meant for a role, where the role says nothing",
    file: {
      models: [
        { ...CODER, roles: ["audit"] },
        { ...PHI, roles: ["embed"] },
      ],
    },
    want: ["draft: d@cuda:0", "audit: /m/coder.gguf@cuda:1", "embed: http://127.0.0.1:11434#phi3:mini"],
  },
  {
    name: "one server that is named for both is one engine",
    file: { models: [PHI], roles: { draft: { model: "phi" } } },
    want: ["both: http://127.0.0.1:11434#phi3:mini"],
  },
  {
    name: "a port in place of an address",
    file: { models: [{ name: "x", backend: "endpoint", port: 9, apiKey: "k" }], roles: { draft: { model: "x" } } },
    want: ["both: http://127.0.0.1:9#- (k)"],
  },
  {
    name: "a vLLM of Tandem's own",
    file: { models: [QWEN], roles: { draft: { model: "qwen" }, audit: { model: "a" } } },
    want: ["draft: vllm Qwen/Qwen2.5-Coder-7B@auto", "audit: a@cuda:1"],
  },
  {
    name: "local models run in the llama-server of the settings, or in the one on PATH",
    file: {
      models: [{ ...CODER, backend: "llama-server" }],
      roles: { draft: { model: "coder" }, audit: { model: "a" } },
    },
    want: ["draft: /m/coder.gguf@cuda:1 in llama-server", "audit: a@cuda:1"],
  },
  {
    name: "the client's settings are over the file's",
    file: { roles: { draft: { model: "x", device: "cpu" } }, backends: { llamaServer: "/ls" } },
    client: { draft: { model: "y" }, llamaServer: "" },
    want: ["draft: y@cpu", "audit: y@cuda:1"],
  },
  {
    name: "another endpoint never gets the file's key, nor its model's name",
    file: { roles: { draft: { endpoint: "http://a", model: "m", apiKey: "secret" } } },
    client: { draft: { endpoint: "http://b" } },
    want: ["both: http://b#-"],
  },
  {
    name: "the same endpoint keeps both",
    file: { roles: { draft: { endpoint: "http://a", model: "m", apiKey: "secret" } } },
    client: { draft: { model: "n" } },
    want: ["both: http://a#n (secret)"],
  },
  {
    name: "forced: the embedded engine",
    file: { backends: { force: "embedded", llamaServer: "/ls" }, models: [QWEN], roles: { audit: { model: "qwen" } } },
    want: ["draft: d@cuda:0", "audit: not-configured"],
  },
  {
    name: "forced: a llama-server",
    file: { backends: { force: "llama-server" } },
    want: ["draft: d@cuda:0 in llama-server", "audit: a@cuda:1 in llama-server"],
  },
  {
    name: "forced: servers that run already",
    file: { backends: { force: "endpoint" }, roles: { embed: { endpoint: "http://e" } } },
    want: ["draft: not-configured", "audit: not-configured", "embed: http://e#-"],
  },
];

for (const { name, file, client, want } of cases)
  test(name, () => assert.deepEqual(engines(file, client).map(said), want));

test("how a model is loaded is what the file says of it", () => {
  const given = { ...CODER, backend: "llama-server", contextTokens: 4_096, keyType: "q8_0", slots: 2, gpuLayers: 20 };
  const more = { vramGb: 5, vramLimitGb: 8, weight: 2, adapter: "/lora.gguf", extraArguments: ["--no-mmap"] };
  const [draft] = engines({ models: [{ ...given, ...more }], roles: { draft: { model: "coder", vramLimitGb: 6 } } });
  assert.ok(draft?.source.kind === "embedded");
  const { options, contextTokens, terms } = draft.source;
  assert.deepEqual(options, {
    slots: 2,
    keyType: "q8_0",
    valueType: "f16",
    flashAttention: "auto",
    gpuLayers: 20,
    extraArguments: ["--lora", "/lora.gguf", "--no-mmap"],
  });
  assert.equal(contextTokens, 4_096);
  const GB = 1024 ** 3;
  assert.deepEqual(terms, { limitBytes: 6 * GB, needBytes: 5 * GB, weight: 2, isDeviceGiven: true });
});

test("an empty file gives the rules that hold without one", () => {
  const config = Config.parse({});
  assert.deepEqual(governRulesOf(config), GOVERN_RULES);
  assert.deepEqual(pressureRulesOf(config), PRESSURE_RULES);
  assert.deepEqual(thermalRulesOf(config), THERMAL_RULES);
  const own = Config.parse({ memory: { reserveGb: 1, gpuReserveGb: { "GPU-a": 0.5 } } });
  assert.deepEqual([reserveBytesOf(own, "GPU-a"), reserveBytesOf(own, "GPU-b")], [2 ** 29, 2 ** 30]);
});
