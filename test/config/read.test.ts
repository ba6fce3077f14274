import assert from "node:assert/strict";
import { test } from "node:test";
import { configOf, readConfig } from "../../server/config/read.ts";
import type { ConfigPart } from "../../server/core/layers.ts";

interface Case {
  readonly name: string;
  readonly text: string;
  readonly before?: ConfigPart;
  readonly want: unknown;
  /** `line:column message`, in order. */
  readonly problems?: readonly RegExp[];
  readonly isBroken?: boolean;
}

const MODEL = { name: "a", backend: "embedded", model: "/a.gguf" } as const;
const OLD: ConfigPart = { tasks: { maxTokens: 99 }, models: [MODEL] };

const cases: readonly Case[] = [
  { name: "an empty file says nothing", text: "", want: {} },
  { name: "comments alone say nothing", text: "// later\n/* much later */\n", want: {} },
  {
    name: "comments, a comma at the end and a byte order mark are fine",
    text: '\uFEFF{\n  // more\n  "tasks": { "maxTokens": 64, },\n}',
    want: { tasks: { maxTokens: 64 } },
  },
  {
    name: "a wrong value is named by where it stands, with what is allowed; the rest counts",
    text: '{\n  "memory": { "reserveGb": -1,\n    "trimAfterSeconds": 7 }\n}',
    want: { memory: { trimAfterSeconds: 7 } },
    problems: [/^2:28 memory\.reserveGb: -1: .*>=0/],
  },
  {
    name: "a key there is not is told with the one that is meant",
    text: '{\n  "memroy": {},\n  "tasks": { "maxToken": 3, "zebra": 1 }\n}',
    want: { tasks: {} },
    problems: [
      /^2:3 memroy: there is no such setting; did you mean "memory"\?/,
      /^3:14 tasks\.maxToken: .*did you mean "maxTokens"\?/,
      /^3:29 tasks\.zebra: .*there are: auditWhen, auditSeconds/,
    ],
  },
  {
    name: "two letters in the wrong order are one slip",
    text: '{ "modles": [] }',
    want: {},
    problems: [/^1:3 modles: .*did you mean "models"\?/],
  },
  {
    name: "thresholds that cross do not count together",
    text: '{ "memory": { "pressure": { "moderatePercent": 85 }, "mostWaiting": 3 } }',
    want: { memory: { mostWaiting: 3 } },
    problems: [/^1:27 memory\.pressure: moderatePercent must be less than highPercent/],
  },
  {
    name: "the roles' other names",
    text: '{ "roles": { "reasoning": { "model": "m", "device": "toaster" }, "embedding": { "dimensions": 1024 } } }',
    want: { roles: { draft: { model: "m" }, embed: { dimensions: 1024 } } },
    problems: [/^1:53 roles\.reasoning\.device: "toaster": use "auto"/],
  },
  {
    name: "a role under both its names",
    text: '{ "roles": { "draft": { "model": "a" }, "reasoning": { "model": "b" } } }',
    want: { roles: { draft: { model: "a" } } },
    problems: [/^1:54 roles\.reasoning: is another name of "draft"/],
  },
  {
    name: "a key that stands twice",
    text: '{ "tasks": { "maxTokens": 64, "maxTokens": 65 } }',
    want: { tasks: { maxTokens: 65 } },
    problems: [/^1:31 "maxTokens" stands here twice/],
  },
  {
    name: "each wrong model goes whole, the others stay",
    text: `{ "models": [
      { "name": "a", "model": "/a.gguf" },
      { "name": "a", "model": "/b.gguf" },
      { "name": "b", "backend": "endpoint" },
      { "name": "c", "backend": "ollama", "slots": 2 },
      { "name": "d", "model": "/d.gguf", "keyType": "q8" },
      7
    ] }`,
    want: { models: [MODEL] },
    problems: [
      /^3:17 models\.1\.name: "a" is the name of an earlier model/,
      /^4:33 models\.2\.backend: "endpoint": needs "url" or "port"/,
      /^5:52 models\.3\.slots: has no effect on a model of backend "ollama"/,
      /^6:53 models\.4\.keyType: "q8": .*"q8_0"/,
      /^7:7 models\.5: 7: /,
    ],
  },
  {
    name: "of hosts those that are addresses",
    text: '{ "hosts": ["http://h:1", "ftp:x", 3] }',
    want: { hosts: ["http://h:1"] },
    problems: [/^1:27 hosts\.1: "ftp:x": use an address/, /^1:36 hosts\.2: 3: /],
  },
  {
    name: "a list with something wrong in it keeps what it was",
    text: '{ "tasks": { "rules": [{ "pattern": "x", "action": "fix" }, { "pattern": "(", "action": "fix" }] } }',
    before: { tasks: { rules: [{ pattern: "y", action: "test" }] } },
    want: { tasks: { rules: [{ pattern: "y", action: "test" }] } },
    problems: [/^1:74 tasks\.rules\.1\.pattern: /],
  },
  {
    name: "a key is never repeated",
    text: '{ "roles": { "draft": { "apiKey": 12345 } } }',
    want: { roles: { draft: {} } },
    problems: [/^1:35 roles\.draft\.apiKey: (?!12345)/],
  },
  {
    name: "a wrong value keeps what it was, a wrong model too",
    text: '{ "tasks": { "maxTokens": 1e9 }, "models": [{ "name": "a", "model": 3 }] }',
    before: OLD,
    want: { tasks: { maxTokens: 99 }, models: [MODEL] },
    problems: [/^1:27 tasks\.maxTokens: 1000000000: /, /^1:69 models\.0\.model: 3: /],
  },
  { name: "what was taken out is gone", text: "{}", before: OLD, want: {} },
  {
    name: "no object",
    text: "[1]",
    before: OLD,
    want: OLD,
    problems: [/^1:1 The file must hold one object/],
    isBroken: true,
  },
  {
    name: "a file that is half written",
    text: '{ "tasks": { "maxTokens": 64',
    want: { tasks: { maxTokens: 64 } },
    problems: [/^1:29 close brace is missing here/, /^1:29 close brace/],
    isBroken: true,
  },
];

for (const { name, text, before, want, problems = [], isBroken = false } of cases)
  test(name, () => {
    const read = readConfig(text, before);
    assert.deepEqual(JSON.parse(JSON.stringify(read.part)), want);
    const told = read.problems.map((it) => `${it.line}:${it.column} ${it.message}`);
    assert.equal(told.length, problems.length, told.join("\n"));
    for (const [at, pattern] of problems.entries()) assert.match(told[at] ?? "", pattern);
    assert.equal(read.isBroken, isBroken);
  });

test("however wrong a file is, its telling is bounded, and a configuration comes of it", () => {
  const wrong = Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`k${at}`, at]));
  const read = readConfig(JSON.stringify({ ...wrong, models: Array(20).fill(wrong), roles: 3, memory: [[]] }));
  assert.equal(read.problems.length, 50);
  assert.equal(configOf(read.part).config.memory.reserveGb, 3);
});

test("parts that are right by themselves and cross together are told, and the rest holds", () => {
  const { config, faults } = configOf(
    { memory: { pressure: { moderatePercent: 75 }, reserveGb: 2 } },
    { memory: { pressure: { highPercent: 70 } } },
  );
  assert.deepEqual([config.memory.pressure.highPercent, config.memory.reserveGb], [80, 2]);
  assert.match(faults[0]?.message ?? "", /must be less/);
});
