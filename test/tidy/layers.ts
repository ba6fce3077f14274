import { isOurs, layerOf, type SourceFile, type Tree } from "./tree.ts";

interface Layer {
  /** Layers and packages it may use; its own layer it always may. "node" is all of Node's modules. */
  readonly may: readonly string[];
  /** And these for their types only. */
  readonly types?: readonly string[];
}

const CONTRACT = [
  "server/ports.ts",
  "server/relaying.ts",
  "server/engineSpec.ts",
  "server/protocol",
  "server/errors.ts",
];
const INNER = [...CONTRACT, "server/core"];
const ADAPTER = [...INNER, "node", "zod"];
const EVERYTHING_BUT = (excluded: string) => [...SERVER.filter((it) => it !== excluded), "node"];

/** Who may import whom. A layer without a row here is a finding of its own. */
const LAYERS: Readonly<Record<string, Layer>> = {
  "server/protocol": { may: ["zod"] },
  // What a decision of the core says, the world does: its values are in both.
  "server/ports.ts": {
    may: [],
    types: ["server/relaying.ts", "server/engineSpec.ts", "server/protocol", "server/core"],
  },
  "server/relaying.ts": { may: [], types: ["server/core"] },
  "server/engineSpec.ts": { may: [], types: ["server/protocol", "server/core"] },
  "server/errors.ts": { may: [], types: ["server/protocol"] },
  "server/core": { may: [], types: ["server/protocol", "server/ports.ts", "server/engineSpec.ts"] },
  "server/tasks": { may: INNER, types: ["server/scheduler.ts", "server/slot"] },
  "server/slot": { may: INNER },
  "server/monitor.ts": { may: INNER },
  "server/devices.ts": { may: [...INNER, "node"], types: ["server/slot", "server/monitor.ts"] },
  "server/scheduler.ts": { may: [...INNER, "server/slot"] },
  "server/handlers.ts": { may: [], types: CONTRACT },
  "server/places.ts": {
    may: [...INNER, "server/models", "server/needs"],
    types: ["server/scheduler.ts", "server/slot", "server/registry"],
  },
  "server/backends": {
    may: [
      ...ADAPTER,
      "undici",
      "server/certificates.ts",
      "server/engine/wire.ts",
      "server/lifelines",
      "server/platform",
    ],
    types: ["server/engine"],
  },
  "server/engine": { may: [...ADAPTER, "node-llama-cpp"] },
  "server/models": { may: [...ADAPTER, "undici", "tar", "server/certificates.ts", "server/platform"] },
  "server/syntax": { may: [...ADAPTER, "web-tree-sitter"] },
  "server/gpu": { may: ADAPTER },
  "server/getting": { may: [...ADAPTER, "tar", "server/models", "server/platform"], types: ["server/handlers.ts"] },
  "server/discovery": { may: [...ADAPTER, "server/certificates.ts"] },
  "server/registry": {
    may: [...ADAPTER, "server/platform"],
    types: ["server/config", "server/discovery", "server/models"],
  },
  "server/config": { may: [...ADAPTER, "jsonc-parser", "server/platform"] },
  "server/platform": { may: ADAPTER },
  "server/rendezvous": { may: [...ADAPTER, "server/platform"] },
  "server/lifelines": { may: [...ADAPTER, "server/platform"] },
  "server/calibration": { may: [...ADAPTER, "server/platform"] },
  "server/journal": { may: [...ADAPTER, "server/platform"] },
  "server/doctor": {
    may: [
      ...ADAPTER,
      "server/assets.ts",
      "server/config",
      "server/discovery",
      "server/getting",
      "server/gpu",
      "server/models",
      "server/places.ts",
      "server/platform",
    ],
  },
  "server/privacy": {
    may: [...ADAPTER, "@secretlint/core", "@secretlint/secretlint-rule-preset-recommend", "picomatch"],
  },
  "server/history": { may: [...ADAPTER, "server/journal", "server/platform"] },
  "server/rates": {
    may: [...ADAPTER, "server/journal", "server/platform"],
    types: ["server/scheduler.ts", "server/slot"],
  },
  "server/transport": {
    may: [
      "server/protocol",
      "server/errors.ts",
      "server/platform",
      "node",
      "zod",
      "vscode-languageserver-protocol/node",
      "vscode-languageserver-textdocument",
      "fastify",
      "fastify-type-provider-zod",
      "@fastify/swagger",
      "prom-client",
    ],
    types: ["server/ports.ts", "server/handlers.ts", "server/tally.ts"],
  },
  "server/certificates.ts": { may: ["node"] },
  "server/files.ts": { may: ADAPTER },
  "server/assets.ts": { may: ["node", "zod"] },
  "server/log.ts": { may: ["node:fs", "pino"], types: ["server/ports.ts"] },
  "server/tally.ts": { may: INNER },
  "server/recording.ts": { may: [...CONTRACT, "zod"], types: ["server/tally.ts"] },
  "server/pinning.ts": {
    may: [...INNER, "server/places.ts"],
    types: ["server/scheduler.ts", "server/slot", "server/tasks", "server/registry"],
  },
  "server/benching.ts": {
    may: [...INNER, "server/pinning.ts", "server/placing.ts", "server/rates", "server/tasks"],
    types: ["server/handlers.ts", "server/scheduler.ts"],
  },
  "server/affinity.ts": { may: [...INNER, "node"], types: ["server/scheduler.ts"] },
  "server/fetching.ts": {
    may: [...INNER, "server/models", "server/places.ts"],
    types: ["server/handlers.ts"],
  },
  "server/residency.ts": { may: CONTRACT },
  get "server/orchestrator.ts"() {
    return { may: EVERYTHING_BUT("server/orchestrator.ts").filter((it) => it !== "server/main.ts") };
  },
  "server/life.ts": { may: CONTRACT },
  "server/httpDoors.ts": { may: CONTRACT, types: ["server/handlers.ts"] },
  "server/service.ts": {
    may: [...CONTRACT, "node", "server/transport"],
    types: ["server/session.ts", "server/life.ts", "server/httpDoors.ts", "server/tally.ts"],
  },
  "server/shared.ts": {
    may: [...CONTRACT, "node", "server/rendezvous", "server/transport"],
    types: ["server/life.ts"],
  },
  "server/needs": { may: [...ADAPTER, "server/models", "server/calibration"] },
  "server/placing.ts": { may: [...CONTRACT, "server/places.ts"], types: ["server/scheduler.ts", "server/registry"] },
  "server/scope.ts": { may: ["node"], types: ["server/ports.ts"] },
  "server/session.ts": {
    may: [
      ...INNER,
      "server/models",
      "server/tasks",
      "server/affinity.ts",
      "server/fetching.ts",
      "server/placing.ts",
      "server/recording.ts",
      "server/pinning.ts",
      "server/benching.ts",
      "server/rates",
      "server/scope.ts",
    ],
    types: ["server/handlers.ts", "server/scheduler.ts", "server/needs", "server/registry", "server/tally.ts"],
  },
  "server/witness.ts": {
    may: [...INNER, "node", "server/gpu/hiding.ts", "server/platform"],
    types: ["server/monitor.ts"],
  },
  "server/keeping.ts": {
    may: [...INNER, "server/places.ts"],
    types: ["server/registry", "server/scheduler.ts", "server/slot"],
  },
  "server/world.ts": {
    may: [...INNER, "server/affinity.ts", "server/keeping.ts", "server/scheduler.ts", "server/session.ts"],
    types: ["server/slot"],
  },
  "server/eval": { may: [...ADAPTER, "server/platform"] },
  "server/cli": {
    may: [
      ...ADAPTER,
      "server/assets.ts",
      "server/calibration",
      "server/config",
      "server/doctor",
      "server/eval",
      "server/files.ts",
      "server/gpu",
      "server/models",
      "server/places.ts",
      "server/platform",
      "server/rendezvous",
      "diff",
      "cli-progress",
      "vscode-languageserver-protocol/node",
    ],
  },
  "server/cli.ts": { may: [...ADAPTER, "server/cli", "server/assets.ts"] },
  get "server/main.ts"() {
    return { may: EVERYTHING_BUT("server/main.ts") };
  },
  // Makes data that the core reads; no program of ours is made from it.
  training: { may: ["server/core", "node"], types: ["server/protocol"] },
  extension: {
    may: [
      "server/protocol",
      "server/platform",
      "server/rendezvous",
      "vscode",
      "vscode-languageclient/node",
      "node",
      "zod",
    ],
    types: ["webview/messages.ts", "webview/sidebar/messages.ts"],
  },
  webview: {
    may: [
      "markdown-it",
      "lit",
      "lit/directives/repeat.js",
      "uplot",
      "@vscode-elements/elements/dist/vscode-button/index.js",
      "@vscode-elements/elements/dist/vscode-progress-bar/index.js",
    ],
    types: ["server/protocol"],
  },
};
const SERVER = Object.keys(LAYERS).filter((it) => it.startsWith("server/"));

/** Imports that go against the table. Tests may import anything. */
export function layers({ sources }: Tree): string[] {
  return sources.filter((it) => !it.path.startsWith("test/")).flatMap(strangers);
}

function strangers({ path, imports }: SourceFile): string[] {
  const name = layerOf(path);
  const layer = LAYERS[name];
  if (!layer) return [`${path}: the layer ${name} is not in the table of layers`];
  return imports.flatMap(({ to, isType }) => {
    const target = targetOf(to);
    const allowed = [name, ...layer.may, ...(isType ? (layer.types ?? []) : [])];
    if (allowed.includes(target) || allowed.includes(to)) return [];
    return [`${path}: ${name} may not import ${isType ? "types of " : ""}${to}`];
  });
}

function targetOf(to: string): string {
  if (to.startsWith("node:")) return "node";
  return isOurs(to) ? layerOf(to) : to;
}
