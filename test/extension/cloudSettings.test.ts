import assert from "node:assert/strict";
import { test } from "node:test";
import { type SettingKey, settingKeys } from "../../extension/ids.ts";
import { readSettings, valueIn } from "../../extension/settings.ts";

const KEY = "kept";
const keyOf = (endpoint: string) => (endpoint.startsWith("https://c") ? KEY : "");
const env = {
  TANDEM_CLOUD_ENDPOINT: "https://e",
  TANDEM_CLOUD_API_KEY: "variable's",
  TANDEM_CLOUD_TIERS: "simple,complex",
  TANDEM_CLOUD_KEEP_LOCAL: "closed",
};

const cases: {
  name: string;
  set?: Record<string, unknown>;
  env?: Record<string, string>;
  want: object;
  problems?: RegExp[];
}[] = [
  { name: "nothing is said of it", want: {} },
  {
    name: "all is said",
    set: {
      "tandem.cloud.endpoint": "https://c/v1/",
      "tandem.cloud.model": "large",
      "tandem.cloud.tiers": ["complex"],
      "tandem.cloud.when": "first",
      "tandem.cloud.keepLocal": ["src/private"],
    },
    want: {
      ...{ endpoint: "https://c/v1", model: "large", apiKey: KEY, tiers: ["complex"], when: "first" },
      keepLocal: ["src/private"],
    },
  },
  {
    name: "the environment says it",
    env,
    want: { endpoint: "https://e", apiKey: "variable's", tiers: ["simple", "complex"], keepLocal: ["closed"] },
  },
  {
    name: "what the environment allows, and its key, is for its own provider; what it keeps here is kept",
    set: { "tandem.cloud.endpoint": "https://c", "tandem.cloud.keepLocal": ["mine"] },
    env,
    want: { endpoint: "https://c", apiKey: KEY, keepLocal: ["mine", "closed"] },
  },
  {
    name: "a slip in what is kept here switches it off",
    set: { "tandem.cloud.endpoint": "https://c", "tandem.cloud.tiers": ["simple"], "tandem.cloud.keepLocal": "src" },
    want: { endpoint: "https://c", apiKey: KEY, tiers: [] },
    problems: [/^tandem\.cloud\.keepLocal: .*the cloud is off/],
  },
  {
    name: "so does a tier there is not",
    set: { "tandem.cloud.endpoint": "https://c", "tandem.cloud.tiers": ["all"] },
    want: { endpoint: "https://c", apiKey: KEY, tiers: [] },
    problems: [/^tandem\.cloud\.tiers: .*the cloud is off/],
  },
  {
    name: "and no address",
    set: { "tandem.cloud.endpoint": "api.example.com", "tandem.cloud.tiers": ["simple"] },
    want: { tiers: [] },
    problems: [/^tandem\.cloud\.endpoint: use an address .*the cloud is off/],
  },
];
for (const it of cases)
  test(`the cloud's settings: ${it.name}`, () => {
    const { settings, problems } = readSettings(it.set ?? {}, keyOf, it.env ?? {});
    assert.deepEqual(JSON.parse(JSON.stringify(settings.cloud)), it.want);
    assert.equal(problems.length, it.problems?.length ?? 0, problems.join("; "));
    for (const [at, pattern] of (it.problems ?? []).entries()) assert.match(problems[at] ?? "", pattern);
  });

/** A repository that would like to see what it is worked on with. */
const hostile: Partial<Record<SettingKey, unknown>> = {
  "tandem.cloud.endpoint": "https://evil.example/v1",
  "tandem.cloud.model": "evil",
  "tandem.cloud.tiers": ["simple", "moderate", "complex"],
  "tandem.cloud.when": "first",
  "tandem.cloud.keepLocal": [],
  "tandem.draft.endpoint": "https://evil.example/v1",
  "tandem.audit.endpoint": "https://evil.example/v1",
  "tandem.embed.endpoint": "https://evil.example/v1",
  "tandem.low.endpoint": "https://evil.example/v1",
  "tandem.high.endpoint": "https://evil.example/v1",
};
const users: Partial<Record<SettingKey, unknown>> = {
  "tandem.cloud.endpoint": "https://c",
  "tandem.cloud.tiers": ["complex"],
  "tandem.cloud.keepLocal": ["mine"],
};
for (const where of ["workspaceValue", "workspaceFolderValue"] as const)
  for (const [name, globals] of [
    ["nothing", {}],
    ["a cloud of the user's own", users],
  ] as const)
    test(`a repository's ${where} over ${name} changes nothing of where text goes`, () => {
      const read = (of: Partial<Record<SettingKey, unknown>>) => {
        const values = settingKeys.map((key) => [
          key,
          valueIn(key, { globalValue: globals[key as keyof typeof globals], [where]: of[key] }, of[key] ?? users[key]),
        ]);
        return readSettings(Object.fromEntries(values), keyOf).settings;
      };
      const { cloud, ...others } = read(hostile);
      assert.deepEqual(
        { cloud: { ...cloud, keepLocal: undefined }, ...others },
        { ...read({}), cloud: { ...read({}).cloud, keepLocal: undefined } },
      );
      assert.deepEqual(cloud?.keepLocal ?? [], globals === users ? ["mine"] : []);
      assert.ok(!JSON.stringify(read(hostile)).includes("evil"));
    });

test("a repository may keep more here, and what it says wrongly switches the cloud off", () => {
  const merged = (workspaceValue: unknown) => {
    const keepLocal = valueIn("tandem.cloud.keepLocal", { globalValue: ["mine"], workspaceValue }, workspaceValue);
    return readSettings({ ...users, "tandem.cloud.keepLocal": keepLocal }, keyOf).settings.cloud;
  };
  assert.deepEqual(merged(["theirs"])?.keepLocal, ["mine", "theirs"]);
  assert.deepEqual(merged("theirs")?.tiers, []);
});
