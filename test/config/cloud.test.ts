import assert from "node:assert/strict";
import { test } from "node:test";
import { configOf, readConfig } from "../../server/config/read.ts";
import { type ConfigPart, layered, partOver, settingsIn } from "../../server/core/layers.ts";
import { ClientSettings, Settings } from "../../server/protocol/settings.ts";

const BEFORE: ConfigPart = { cloud: { endpoint: "https://c", tiers: ["simple", "complex"], keepLocal: ["closed"] } };
const said = (cloud: string) => `{ "cloud": ${cloud} }`;

/** A slip of the pen in what is kept here, or in what is allowed. */
const slips: readonly { name: string; text: string; problem: RegExp }[] = [
  {
    name: "a tier there is not",
    text: said('{ "endpoint": "https://c", "tiers": ["simple", "all"] }'),
    problem: /cloud\.tiers\.1: .*"simple"\|"moderate"\|"complex"/,
  },
  {
    name: "a glob that cannot be matched in time",
    text: said('{ "endpoint": "https://c", "tiers": ["simple"], "keepLocal": ["a*b*c*d*e"] }'),
    problem: /cloud\.keepLocal\.0: .*at most three \*/,
  },
  {
    name: "a glob in place of a list",
    text: said('{ "endpoint": "https://c", "tiers": ["simple"], "keepLocal": "src" }'),
    problem: /cloud\.keepLocal: "src"/,
  },
  {
    name: "a key by another name",
    text: said('{ "endpoint": "https://c", "tiers": ["simple"], "keepHere": ["src"] }'),
    problem: /cloud\.keepHere: there is no such setting/,
  },
  { name: "no table", text: said('["https://c"]'), problem: /cloud: / },
];
for (const it of slips)
  test(`the cloud is off until it is right: ${it.name}`, () => {
    const { part, problems } = readConfig(it.text, BEFORE);
    assert.deepEqual(configOf(part).config.cloud.tiers, []);
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.message ?? "", it.problem);
    assert.match(problems[0]?.message ?? "", /until that is right, the cloud is off$/);
  });

test("a variable that is wrong switches off what the file allows", () => {
  const { part } = readConfig(said('{ "tiers": ["none"] }'));
  const { config } = configOf(BEFORE, part);
  assert.deepEqual([config.cloud.endpoint, config.cloud.tiers], ["https://c", []]);
});

const file: ClientSettings = {
  cloud: { endpoint: "https://c", model: "m", apiKey: "k", tiers: ["simple"], keepLocal: ["closed"] },
};
const layers: readonly { name: string; lower: ClientSettings; upper: ClientSettings; want: object }[] = [
  { name: "nobody says anything: it is off", lower: {}, upper: {}, want: {} },
  {
    name: "a client keeps more here than the file does",
    lower: file,
    upper: { cloud: { keepLocal: ["mine"] } },
    want: { ...file.cloud, keepLocal: ["closed", "mine"] },
  },
  {
    name: "and never less",
    lower: file,
    upper: { cloud: { keepLocal: [], tiers: ["complex"] } },
    want: { ...file.cloud, tiers: ["complex"] },
  },
  {
    name: "leave, model and key are for the provider they were given for",
    lower: file,
    upper: { cloud: { endpoint: "https://d" } },
    want: { endpoint: "https://d", keepLocal: ["closed"] },
  },
  {
    name: "without a provider they are for whichever is named",
    lower: { cloud: { apiKey: "k", tiers: ["simple"] } },
    upper: { cloud: { endpoint: "https://d" } },
    want: { endpoint: "https://d", apiKey: "k", tiers: ["simple"] },
  },
  {
    name: "a role's settings are none of the cloud's",
    lower: {},
    upper: { high: { endpoint: "https://d", apiKey: "k" } },
    want: {},
  },
];
for (const it of layers)
  test(`layers: ${it.name}`, () => {
    const { cloud } = Settings.parse(layered(it.lower, it.upper));
    assert.deepEqual(cloud, Settings.parse({ cloud: it.want }).cloud);
  });

test("a client that misspells what it keeps here is refused, and not served without it", () => {
  const wrong = { cloud: { endpoint: "https://c", tiers: ["simple"], keeplocal: ["closed"] } };
  assert.equal(ClientSettings.safeParse(wrong).success, false);
  assert.ok(ClientSettings.safeParse({ cloud: { endpoint: "https://c", keepLocal: ["closed"] } }).success);
});

test("what the file keeps here, the environment does not send", () => {
  const part = partOver(BEFORE, { cloud: { keepLocal: ["more"] } });
  assert.deepEqual(settingsIn(part).cloud?.keepLocal, ["closed", "more"]);
});
