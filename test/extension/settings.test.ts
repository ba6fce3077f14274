import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";
import { commandIds, languageIds, settingKeys, userOnly } from "../../extension/ids.ts";
import { apiKeySlot, normalEndpoint, readSettings } from "../../extension/settings.ts";
import { ServeParams } from "../../server/protocol/service.ts";
import { Settings } from "../../server/protocol/settings.ts";

const defaults = Settings.parse({});
/** What holds where only this is set. */
const over = (settings: unknown) => Settings.parse(settings);
const closed = { isEnabled: false, port: ServeParams.parse({}).port };
const noKeys = () => "";
/** Of a role of which nobody says anything. */
const NOTHING = { draft: {}, audit: {}, embed: {}, low: {}, high: {}, cloud: {} };

const cases: { name: string; values: Record<string, unknown>; want: object; problems?: RegExp[] }[] = [
  { name: "nothing set", values: {}, want: defaults },
  {
    name: "everything set",
    values: {
      "tandem.draft.model": "qwen",
      "tandem.audit.device": "cuda:1",
      "tandem.embed.endpoint": "http://127.0.0.1:9/",
      "tandem.embed.model": "nomic",
      "tandem.llamaServer": " /opt/llama-server ",
      "tandem.auditWhen": "always",
      "tandem.rules": [{ pattern: "^ticket", action: "implement" }],
      "tandem.maxTokens": 64,
      "tandem.timeoutSeconds": 9,
      "tandem.logLevel": "debug",
    },
    want: {
      ...defaults,
      draft: { ...defaults.draft, model: "qwen" },
      audit: { ...defaults.audit, device: "cuda:1" },
      embed: { ...defaults.embed, endpoint: "http://127.0.0.1:9", model: "nomic" },
      llamaServer: "/opt/llama-server",
      auditWhen: "always",
      rules: [{ pattern: "^ticket", action: "implement" }],
      maxTokens: 64,
      timeoutS: 9,
      logLevel: "debug",
    },
  },
  {
    name: "each bad value is named, the others hold",
    values: { "tandem.draft.device": "toaster", "tandem.maxTokens": "many", "tandem.auditWhen": "never" },
    want: { ...defaults, auditWhen: "never" },
    problems: [/^tandem\.draft\.device: use "auto"/, /^tandem\.maxTokens: /],
  },
  {
    name: "a rule that could be slow",
    values: { "tandem.rules": [{ pattern: "(?<=a)b", action: "fix" }] },
    want: defaults,
    problems: [/^tandem\.rules: look-around, back references/],
  },
  {
    name: "a number out of range",
    values: { "tandem.timeoutSeconds": 301 },
    want: defaults,
    problems: [/^tandem\.timeoutSeconds: /],
  },
  { name: "an empty model is auto", values: { "tandem.audit.model": "" }, want: defaults },
  {
    name: "an endpoint loses its last slash",
    values: { "tandem.draft.endpoint": " http://127.0.0.1:8080/v1/ " },
    want: { ...defaults, draft: { ...defaults.draft, endpoint: "http://127.0.0.1:8080/v1" } },
  },
  {
    name: "no address",
    values: { "tandem.draft.endpoint": "localhost:8080" },
    want: defaults,
    problems: [/^tandem\.draft\.endpoint: use an address/],
  },
  {
    name: "not even a string",
    values: { "tandem.audit.endpoint": 8080 },
    want: defaults,
    problems: [/^tandem\.audit\.endpoint: use an address/],
  },
  {
    name: "no web address",
    values: { "tandem.draft.endpoint": "file:///etc/passwd" },
    want: defaults,
    problems: [/^tandem\.draft\.endpoint/],
  },
];

for (const it of cases)
  test(it.name, () => {
    const { settings, problems } = readSettings(it.values, noKeys);
    assert.deepEqual(over(settings), it.want);
    assert.equal(problems.length, it.problems?.length ?? 0, problems.join("; "));
    for (const [index, pattern] of (it.problems ?? []).entries()) assert.match(problems[index] ?? "", pattern);
  });

const doors: { name: string; values: Record<string, unknown>; want: object; problems?: number }[] = [
  { name: "no door unless it is asked for", values: {}, want: closed },
  {
    name: "a door, at a port",
    values: { "tandem.http.enabled": true, "tandem.http.port": 9_000 },
    want: { isEnabled: true, port: 9_000 },
  },
  {
    name: "neither is guessed at",
    values: { "tandem.http.enabled": "yes", "tandem.http.port": "9000" },
    want: closed,
    problems: 2,
  },
  { name: "no port beyond the last", values: { "tandem.http.port": 70_000 }, want: closed, problems: 1 },
];

for (const it of doors)
  test(it.name, () => {
    const { door, problems } = readSettings(it.values, noKeys);
    assert.deepEqual(door, it.want);
    assert.equal(problems.length, it.problems ?? 0, problems.join("; "));
  });

test("where nobody has set one, the environment counts, and its key goes to its own server only", () => {
  const env = {
    TANDEM_DRAFT_ENDPOINT: "http://there",
    TANDEM_DRAFT_API_KEY: "secret",
    NEURALCURSOR_GPU_EMBEDDING_DEVICE: "cuda:1",
    TANDEM_MAX_TOKENS: "64",
    TANDEM_AUDIT_DEVICE: "toaster",
  };
  const { settings, problems } = readSettings({ "tandem.maxTokens": 128 }, noKeys, env);
  assert.deepEqual(JSON.parse(JSON.stringify(settings)), {
    ...NOTHING,
    draft: { endpoint: "http://there", apiKey: "secret" },
    embed: { device: "cuda:1" },
    maxTokens: 128,
  });
  assert.match(problems.join("\n"), /^TANDEM_AUDIT_DEVICE: use "auto"/);
  const elsewhere = readSettings({ "tandem.draft.endpoint": "http://elsewhere" }, noKeys, env);
  assert.equal(elsewhere.settings.draft?.apiKey, "");
});

test("a key goes to its own server only", () => {
  const kept = new Map([[apiKeySlot("https://a.example/v1"), "secret"]]);
  const keyOf = (endpoint: string) => kept.get(apiKeySlot(endpoint)) ?? "";
  const read = (endpoint: string) => readSettings({ "tandem.draft.endpoint": endpoint }, keyOf).settings.draft?.apiKey;
  assert.equal(read("https://a.example/v2"), "secret");
  assert.equal(read("https://a.example.evil.example/v1"), "");
  assert.equal(read("http://a.example/v1"), "");
  assert.equal(read(""), "");
});

for (const [value, want] of [
  ["http://x/", "http://x"],
  ["https://x:1/v1//", "https://x:1/v1"],
  ["", null],
  ["x", null],
  ["javascript:alert(1)", null],
] as const)
  test(`endpoint ${JSON.stringify(value)}`, () => assert.equal(normalEndpoint(value), want));

const Manifest = z.object({
  activationEvents: z.array(z.string()),
  contributes: z.object({
    commands: z.array(z.object({ command: z.string() })),
    configuration: z.object({
      properties: z.record(z.string(), z.object({ default: z.unknown(), scope: z.string().optional() })),
    }),
    keybindings: z.array(z.object({ command: z.string() })),
    menus: z.record(z.string(), z.array(z.object({ command: z.string().optional() }))),
  }),
});
const { activationEvents, contributes } = Manifest.parse(
  JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")),
);

test("package.json declares exactly the commands there are", () => {
  assert.deepEqual(contributes.commands.map((it) => it.command).sort(), commandIds.toSorted());
});

test("menus and keys name commands there are", () => {
  const named = [...Object.values(contributes.menus).flat(), ...contributes.keybindings].map((it) => it.command);
  const known: readonly string[] = commandIds;
  assert.deepEqual(
    named.filter((it) => it !== undefined && !known.includes(it)),
    [],
  );
});

test("package.json declares exactly the settings that are read, with the defaults of the contract", () => {
  assert.deepEqual(Object.keys(contributes.configuration.properties).sort(), settingKeys.toSorted());
  const values = Object.fromEntries(
    Object.entries(contributes.configuration.properties).map(([key, it]) => [key, it.default]),
  );
  const { settings, ...rest } = readSettings(values, noKeys);
  assert.deepEqual([over(settings), rest], [defaults, { door: closed, problems: [] }]);
});

test("what nobody has set is left to the environment and the configuration file", () => {
  const { settings } = readSettings({ "tandem.draft.device": "cpu", "tandem.maxTokens": "many" }, noKeys);
  assert.deepEqual(JSON.parse(JSON.stringify(settings)), { ...NOTHING, draft: { device: "cpu" } });
});

test("no workspace can open the door, name a server or switch the cloud on", () => {
  const { properties } = contributes.configuration;
  const closedToThem = settingKeys.filter(
    (key) => /^tandem\.(http|cloud)\.|\.endpoint$/.test(key) && key !== "tandem.cloud.keepLocal",
  );
  const scopes = closedToThem.map((key) => properties[key]?.scope);
  assert.deepEqual(new Set(scopes), new Set(["machine", "application"]));
  const others = closedToThem.filter((key) => !key.startsWith("tandem.http.") && !userOnly.has(key));
  assert.deepEqual(others, []);
});

test("a user's endpoints and cloud go with the user into remote windows", () => {
  const { properties } = contributes.configuration;
  for (const key of userOnly) assert.equal(properties[key]?.scope, "application", key);
});

test("it is started by the languages it knows, and never by everything", () => {
  assert.deepEqual(
    activationEvents,
    languageIds.map((it) => `onLanguage:${it}`),
  );
});
