import assert from "node:assert/strict";
import { test } from "node:test";
import { fromEnvironment, VARIABLES } from "../../server/protocol/environment.ts";

interface Case {
  readonly name: string;
  readonly env: Record<string, string>;
  readonly want: unknown;
  readonly problems?: readonly RegExp[];
}

const cases: readonly Case[] = [
  { name: "nothing set", env: { PATH: "/bin" }, want: {} },
  {
    name: "the documents' own example",
    env: {
      NEURALCURSOR_REASONING_LLM_HOST: "http://localhost:8000",
      NEURALCURSOR_REASONING_LLM_MODEL: "deepseek-coder-33b",
      NEURALCURSOR_EMBEDDING_LLM_HOST: "http://localhost:8001",
      NEURALCURSOR_EMBEDDING_LLM_MODEL: "bge-m3",
      NEURALCURSOR_EMBEDDING_DIMENSIONS: "1024",
      NEURALCURSOR_GPU_REASONING_DEVICE: "cuda:0",
      NEURALCURSOR_GPU_EMBEDDING_DEVICE: "cuda:1",
      NEURALCURSOR_VRAM_LIMIT_REASONING_GB: "20",
      NEURALCURSOR_VRAM_LIMIT_EMBEDDING_GB: "4",
    },
    want: {
      roles: {
        draft: { endpoint: "http://localhost:8000", model: "deepseek-coder-33b", device: "cuda:0", vramLimitGb: 20 },
        embed: {
          endpoint: "http://localhost:8001",
          model: "bge-m3",
          device: "cuda:1",
          vramLimitGb: 4,
          dimensions: 1024,
        },
      },
    },
  },
  {
    name: "two names of one value that differ are told, and ours counts",
    env: { TANDEM_DRAFT_MODEL: "ours", NEURALCURSOR_REASONING_LLM_MODEL: "theirs" },
    want: { roles: { draft: { model: "ours" } } },
    problems: [
      /TANDEM_DRAFT_MODEL and NEURALCURSOR_REASONING_LLM_MODEL stand for the same and differ: TANDEM_DRAFT_MODEL/,
    ],
  },
  {
    name: "two that agree are fine",
    env: { TANDEM_DRAFT_MODEL: "m", NEURALCURSOR_REASONING_LLM_MODEL: "m" },
    want: { roles: { draft: { model: "m" } } },
  },
  {
    name: "numbers, switches and lists",
    env: { TANDEM_MEMORY_RESERVE_GB: "1.5", TANDEM_PROBE_LOOPBACK: "0", TANDEM_HOSTS: "http://a:1, http://b:2," },
    want: {
      hosts: ["http://a:1", "http://b:2"],
      discovery: { isLoopbackProbed: false },
      memory: { reserveGb: 1.5 },
    },
  },
  {
    name: "what is no number or switch is told",
    env: { TANDEM_MEMORY_RESERVE_GB: "much", TANDEM_ATTACH: "maybe", TANDEM_THERMAL_HOT_CELSIUS: "" },
    want: {},
    problems: [/TANDEM_ATTACH: "maybe" is no "true" or "false"/, /TANDEM_MEMORY_RESERVE_GB: "much" is no number/],
  },
  {
    name: "the document's backend",
    env: { TANDEM_FORCE_BACKEND: "llama_cpp" },
    want: { backends: { force: "embedded" } },
  },
];

for (const { name, env, want, problems = [] } of cases)
  test(name, () => {
    const read = fromEnvironment(env);
    assert.deepEqual(read.values, want);
    const told = [...read.problems, ...read.conflicts];
    assert.equal(told.length, problems.length, told.join("\n"));
    for (const [at, pattern] of problems.entries()) assert.match(told[at] ?? "", pattern);
  });

test("every variable has one meaning", () => {
  const names = VARIABLES.flatMap((it) => [it.name, ...it.aliases]);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(
    VARIABLES.filter((it) => it.about === "" || !/^TANDEM(_[A-Z]+)+$/.test(it.name)),
    [],
  );
});
