import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { wasmPath } from "../../server/assets.ts";
import { RunEvent, RunResult } from "../../server/protocol/run.ts";
import { createSyntax } from "../../server/syntax/treeSitter.ts";
import { runCli, startCli } from "../server/cli.ts";
import { createInstance } from "../server/instance.ts";
import { unixOnly } from "../setup/only.ts";
import { allGone, descendants } from "../setup/processes.ts";

/** The trial model drafts and audits, each in a process of its own; named, so that the hub is not asked. */
const MODELS = ["--model", "tinyllama-1.1b-chat-iq2xxs", "--audit-model", "tinyllama-1.1b-chat-iq2xxs"];

const TYPESCRIPT = `/** How many of the readings are above the limit. */
export function countAbove(readings: readonly number[], limit: number): number {
  throw new Error("not implemented");
}
`;

const PYTHON = `def longest(words):
    """Return the longest of the words."""
    raise NotImplementedError


def shout(text):
    return text.upper() + "!"
`;

interface Case {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  readonly instruction: string;
  readonly isAudited: boolean;
}

const cases: readonly Case[] = [
  {
    name: "implements a TypeScript function",
    file: "readings.ts",
    text: TYPESCRIPT,
    instruction: "implement countAbove",
    isAudited: true,
  },
  {
    name: "documents a Python function",
    file: "words.py",
    text: PYTHON,
    instruction: "add a docstring to shout",
    isAudited: false,
  },
];

for (const it of cases) test(`with real engines, on code of the test's own: ${it.name}`, () => check(it));

async function check({ file, text, instruction, isAudited }: Case): Promise<void> {
  await using place = await folderWith(file, text);
  const args = ["run", "--json", "--apply", "--file", file, ...MODELS, instruction];
  const run = await runCli(args, { cwd: place.folder });
  assert.equal(run.code, 0, run.stdout + run.stderr);
  const lines = run.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const result = RunResult.parse(lines.pop().result);
  const events = lines.map((line) => RunEvent.parse(line));
  assert.ok(result.kind === "edit");
  const drafted = events
    .slice(events.findLastIndex((it) => it.kind === "retry") + 1)
    .flatMap((it) => (it.kind === "draft" ? [it.text] : []));
  assert.equal(drafted.join(""), result.edits[0]?.after, "the text written is the draft that was shown");
  const after = await readFile(join(place.folder, file), "utf8");
  assert.notEqual(after, text);
  const outline = await createSyntax({ wasmPath }).outline(after, file.endsWith(".py") ? "python" : "typescript");
  assert.deepEqual(outline.errors, []);
  assert.equal(
    events.some((it) => it.kind === "audited"),
    isAudited,
  );
  assert.ok(
    result.notices.some((it) => /trying Tandem out/.test(it)),
    "it says what this model is for",
  );
}

for (const moment of ["loading", "draft"] as const)
  test(`Ctrl-C after "${moment}" with real engines: no process left, no file touched, the next run works`, {
    skip: unixOnly,
  }, async () => {
    await using place = await folderWith("words.py", PYTHON);
    const args = [
      "run",
      "--json",
      "--apply",
      "--file",
      "words.py",
      ...MODELS,
      "--audit",
      "always",
      "add a docstring to shout",
    ];
    await using instance = await createInstance();
    const cli = startCli(args, { cwd: place.folder, env: instance.env });
    for await (const line of cli.lines) if (JSON.parse(line).kind === moment) break;
    const below = await descendants(cli.process.pid ?? 0);
    assert.ok(below.length > 0);
    cli.process.kill("SIGINT");
    const run = await cli.ended;
    assert.equal(run.code, 130, run.stdout + run.stderr);
    await allGone(below);
    assert.equal(await readFile(join(place.folder, "words.py"), "utf8"), PYTHON);
    assert.deepEqual(await readdir(place.folder), ["words.py"]);
  });

async function folderWith(file: string, text: string) {
  const folder = await mkdtemp(join(tmpdir(), "tandem-job-"));
  await writeFile(join(folder, file), text);
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
