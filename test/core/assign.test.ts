import assert from "node:assert/strict";
import { test } from "node:test";
import { assign } from "../../server/core/assign.ts";
import type { Choice } from "../../server/core/choose.ts";
import { Settings } from "../../server/protocol/settings.ts";

const CHOICE: Choice = { draft: { model: "big", gpu: null }, audit: { model: "small", gpu: null }, why: "" };
const TWO_GPUS: Choice = { draft: { model: "big", gpu: "cuda:0" }, audit: { model: "small", gpu: "cuda:1" }, why: "" };
const URL = "http://a:1";

interface Case {
  readonly name: string;
  readonly settings: Parameters<typeof Settings.parse>[0];
  readonly choice?: Choice;
  readonly cores?: number;
  /** id, roles, and where: model@device/threads (~substitute), or url#model. */
  readonly want: readonly string[];
}

const DEFAULTS = ["draft draft big@cpu/4 ~stand", "audit audit small@cpu/4 ~stand"];

const CASES: readonly Case[] = [
  {
    name: "nothing set, no GPU: the cores are shared",
    settings: {},
    want: ["draft draft big@cpu/4 ~stand", "audit audit small@cpu/4 ~stand"],
  },
  {
    name: "one core",
    settings: {},
    cores: 1,
    want: ["draft draft big@cpu/1 ~stand", "audit audit small@cpu/1 ~stand"],
  },
  {
    name: "many cores",
    settings: {},
    cores: 64,
    want: ["draft draft big@cpu/8 ~stand", "audit audit small@cpu/8 ~stand"],
  },
  {
    name: "two GPUs",
    settings: {},
    choice: TWO_GPUS,
    want: ["draft draft big@cuda:0/8 ~stand", "audit audit small@cuda:1/8 ~stand"],
  },
  {
    name: "a device by name",
    settings: { audit: { device: "cpu" } },
    choice: TWO_GPUS,
    want: ["draft draft big@cuda:0/8 ~stand", "audit audit small@cpu/8 ~stand"],
  },
  {
    name: "one endpoint serves both",
    settings: { draft: { endpoint: URL } },
    want: [`both draft+audit+embed ${URL}#-`],
  },
  {
    name: "the tiers have models of their own, at home where who else would do their work is",
    settings: { low: { model: "tiny" }, high: { model: "huge", device: "cuda:3" } },
    choice: TWO_GPUS,
    want: [
      ...["draft draft big@cuda:0/8 ~stand", "audit audit small@cuda:1/8 ~stand"],
      ...["low low tiny@cuda:1/8", "high high huge@cuda:3/8"],
    ],
  },
  {
    name: "a tier with the model that drafts or audits anyway shares its engine",
    settings: { low: { model: "small" }, high: { model: "big" } },
    choice: TWO_GPUS,
    want: ["draft draft+high big@cuda:0/8 ~stand", "audit audit+low small@cuda:1/8 ~stand"],
  },
  {
    name: "both tiers at one server are one engine",
    settings: { low: { endpoint: URL }, high: { endpoint: URL } },
    want: ["draft draft big@cpu/4 ~stand", "audit audit small@cpu/4 ~stand", `low low+high ${URL}#-`],
  },
  {
    name: "a tier at the draft's server shares it",
    settings: {
      draft: { endpoint: URL, model: "m" },
      high: { endpoint: URL, model: "m" },
      low: { endpoint: URL, model: "n" },
    },
    want: [`both draft+audit+high+embed ${URL}#m`, `low low ${URL}#n`],
  },
  {
    name: "a cloud that is allowed nothing is not there",
    settings: { cloud: { endpoint: "https://c" } },
    want: DEFAULTS,
  },
  { name: "nor is one without an address", settings: { cloud: { tiers: ["simple"] } }, want: DEFAULTS },
  {
    name: "a cloud that is allowed something",
    settings: { cloud: { endpoint: "https://c/v1", model: "large", apiKey: "k", tiers: ["complex"] } },
    want: [...DEFAULTS, "cloud cloud https://c/v1#large in the cloud"],
  },
  {
    name: "the cloud's host is the cloud, whichever setting names it, even while it is off",
    settings: {
      draft: { endpoint: "https://C:443/other" },
      high: { endpoint: "https://c.d/v1" },
      cloud: { endpoint: "https://c/v1" },
    },
    want: ["both draft+audit+embed https://C:443/other#- in the cloud", "high high https://c.d/v1#-"],
  },
  {
    name: "so it does when named twice",
    settings: { draft: { endpoint: URL, model: "m" }, audit: { endpoint: URL, model: "m" } },
    want: [`both draft+audit+embed ${URL}#m`],
  },
  {
    name: "two models of one endpoint",
    settings: { draft: { endpoint: URL, model: "m" }, audit: { endpoint: URL, model: "n" } },
    want: [`draft draft+embed ${URL}#m`, `audit audit ${URL}#n`],
  },
  {
    name: "two endpoints",
    settings: { draft: { endpoint: URL }, audit: { endpoint: "http://b" } },
    want: [`draft draft+embed ${URL}#-`, "audit audit http://b#-"],
  },
  {
    name: "only the audit has an endpoint: all cores draft",
    settings: { audit: { endpoint: URL } },
    want: ["draft draft big@cpu/8 ~stand", `audit audit ${URL}#-`],
  },
  {
    name: "the draft has an endpoint, the audit a model of its own",
    settings: { draft: { endpoint: URL }, audit: { model: "mine" } },
    want: [`draft draft+embed ${URL}#-`, "audit audit mine@cpu/8"],
  },
  {
    name: "a model that was named is never replaced, and audits too",
    settings: { draft: { model: "file:/m.gguf" } },
    want: ["draft draft file:/m.gguf@cpu/4", "audit audit file:/m.gguf@cpu/4"],
  },
  {
    name: "one named for the audit alone",
    settings: { audit: { model: "mine" } },
    want: ["draft draft big@cpu/4 ~stand", "audit audit mine@cpu/4"],
  },
  {
    name: "a server for vectors: nobody else is asked for them",
    settings: { draft: { endpoint: URL }, embed: { endpoint: "http://v", model: "nomic" } },
    want: [`both draft+audit ${URL}#-`, "embed embed http://v#nomic"],
  },
  {
    name: "a model for vectors: on the processor, with its share of the cores, and never replaced",
    settings: { embed: { model: "file:/v.gguf" } },
    want: ["draft draft big@cpu/4 ~stand", "audit audit small@cpu/4 ~stand", "embed embed file:/v.gguf@cpu/2 vectors"],
  },
  {
    name: "a model for vectors beside two GPUs",
    settings: { embed: { model: "v" } },
    choice: TWO_GPUS,
    want: ["draft draft big@cuda:0/8 ~stand", "audit audit small@cuda:1/8 ~stand", "embed embed v@cpu/8 vectors"],
  },
  {
    name: "a model for vectors on a GPU, writers at an endpoint",
    settings: { draft: { endpoint: URL }, embed: { model: "v", device: "vulkan:0" } },
    want: [`both draft+audit ${URL}#-`, "embed embed v@vulkan:0/8 vectors"],
  },
  {
    name: "a llama-server runs every local model",
    settings: { embed: { model: "v" }, llamaServer: "/bin/llama-server" },
    want: [
      "draft draft big@cpu/4 ~stand in /bin/llama-server",
      "audit audit small@cpu/4 ~stand in /bin/llama-server",
      "embed embed v@cpu/2 vectors in /bin/llama-server",
    ],
  },
];

function check({ name, settings, choice = CHOICE, cores = 8, want }: Case): void {
  test(name, () => {
    const hardware = { ramBytes: 16e9, cores, gpus: [] };
    const engines = assign(Settings.parse(settings), { hardware, choice, stand: "stand" });
    const where = ({ source: it }: (typeof engines)[number]) =>
      it.kind === "endpoint"
        ? `${it.url}#${it.modelName ?? "-"}${it.isCloud ? " in the cloud" : ""}`
        : it.kind === "vllm"
          ? `${it.source}@${it.device} in ${it.executable}`
          : [
              `${it.model}@${it.device}/${it.threads}`,
              ...(it.use === "embed" ? ["vectors"] : []),
              ...(it.substitute === null ? [] : [`~${it.substitute}`]),
              ...(it.llamaServer === "" ? [] : [`in ${it.llamaServer}`]),
            ].join(" ");
    assert.deepEqual(
      engines.map((it) => `${it.id} ${it.roles.join("+")} ${where(it)}`),
      want,
    );
  });
}
for (const it of CASES) check(it);

test("an endpoint is waited for as the settings say", () => {
  const patience = (settings: Parameters<typeof Settings.parse>[0]) => {
    const made = assign(Settings.parse({ draft: { endpoint: URL }, ...(settings as object) }), {
      ...{ hardware: { ramBytes: 1, cores: 1, gpus: [] }, choice: CHOICE, stand: null },
    });
    return made.map(({ source }) => (source.kind === "endpoint" ? source.patience : null));
  };
  assert.deepEqual(patience({}), [undefined]);
  assert.deepEqual(patience({ connectTimeoutS: 2, idleTimeoutS: 7 }), [
    { connectMs: 2_000, firstTokenMs: 120_000, idleMs: 7_000 },
  ]);
});

test("each endpoint gets its own key", () => {
  const settings = Settings.parse({
    draft: { endpoint: URL, apiKey: "one" },
    audit: { endpoint: "http://b", apiKey: "two" },
  });
  const keys = assign(settings, { hardware: { ramBytes: 1, cores: 1, gpus: [] }, choice: CHOICE, stand: null }).map(
    ({ source }) => (source.kind === "endpoint" ? source.apiKey : null),
  );
  assert.deepEqual(keys, ["one", "two"]);
});
