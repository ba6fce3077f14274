import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text as readAll } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { showResults } from "../../server/cli/eval.ts";
import { agreeToRun } from "../../server/cli/evalConsent.ts";
import { toEval } from "../../server/cli/evalOptions.ts";
import { openResults, readResults } from "../../server/eval/results.ts";
import { readEvalTasks } from "../../server/eval/tasks.ts";
import { writePrivateFile } from "../../server/platform/privateFile.ts";
import { scriptedModel } from "../fakes/evalModel.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { ruleAuditor } from "../fakes/ruleAuditor.ts";
import { runCli, startCli } from "../server/cli.ts";
import { createInstance, type Instance } from "../server/instance.ts";

const cwd = tmpdir();
const tasks = await readEvalTasks(fileURLToPath(new URL("../../evals", import.meta.url)));
const LARGE = { name: "large", solves: 0, mends: 1, finds: 1, alarms: 0 };
const SMALL = { name: "small", solves: 0, mends: 0, finds: 1, alarms: 0 };

async function rivals() {
  const large = await startFakeLlama({ models: ["a-large"], reply: await scriptedModel(tasks, LARGE) });
  const small = await startFakeLlama({ models: ["a-small"], reply: await scriptedModel(tasks, SMALL) });
  return {
    large,
    small,
    flags: ["--endpoint", large.url, "--audit-endpoint", small.url],
    async [Symbol.asyncDispose]() {
      await Promise.all([large.close(), small.close()]);
    },
  };
}

test("a drafter that errs and mends is shown to gain by the audit; a run is gone on with, and shown again", async () => {
  await using rivaling = await rivals();
  await using instance = await createInstance();
  const at = { cwd, env: instance.env };
  const out = join(instance.folder, "results.jsonl");
  const args = ["eval", "--yes", "--languages", "ts", "--limit", "3", "--out", out, ...rivaling.flags];

  const first = await runCli([...args, "--modes", "draft,audit"], at);
  assert.equal(first.code, 0, first.stderr + first.stdout);
  assert.match(first.stdout, /3 tasks \(Node [\d.]+\); large: a-large at \S+; small: a-small at \S+\n/);
  assert.match(first.stdout, /\ndraft +0\/3 +0 % \(0 % to 56 %\) +0\/3/);
  assert.match(first.stdout, /\naudit +3\/3 +100 % \(44 % to 100 %\) +3\/3 .*3 written again/);
  assert.match(
    first.stdout,
    /audit against draft: 100 points ahead; 3 solved by audit alone, 0 by draft alone, of 3; p = 0.250/,
  );

  const lines = (await readFile(out, "utf8")).trim().split("\n");
  assert.equal(lines.length, 7);
  // One line is lost and one broken off, as when the machine went down.
  await writeFile(out, `${lines.slice(0, 5).join("\n")}\n${lines[5]?.slice(0, 40)}`);
  const asked = rivaling.large.requests.length;
  const more = await runCli([...args, "--modes", "draft,audit", "--json"], at);
  const told = more.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const done = told.filter((it) => it.task !== undefined);
  assert.deepEqual(
    done.map((it) => [it.mode, it.kind, it.drafter]),
    Array(2).fill(["audit", "passed", "a-large"]),
  );
  assert.ok(rivaling.large.requests.length > asked, "what was lost is done again");
  assert.deepEqual(
    told.at(-1).modes.map((it: { mode: string; passed: number }) => [it.mode, it.passed]),
    [
      ["draft", 0],
      ["audit", 3],
    ],
  );

  const shown = await text((written) => showResults([out, out], { out: written, isJson: false }));
  assert.match(shown, /a-large.*\n(.*\n)*the first's audit against the second's audit: level; .* of 3; p = 1.000/);
  const { header } = await readResults(out);
  await assert.rejects(openResults(out, { ...header, seed: 2 }), { message: /made with another seed \(1\)/ });
  await assert.rejects(openResults(out, { ...header, tasks: "x" }), { message: /made with other tasks/ });
  const models = { large: "another" };
  await assert.rejects(openResults(out, { ...header, models }), { message: /another large model \(a-large/ });
  await assert.rejects(readResults(fileURLToPath(import.meta.url)), { message: /holds no results/ });
});

/** What is written to a stream. */
async function text(write: (out: PassThrough) => Promise<void>): Promise<string> {
  const out = new PassThrough();
  await write(out);
  out.end();
  return await readAll(out);
}

test("nobody's code is run before somebody has agreed", async () => {
  await using models = await rivals();
  const refused = await runCli(["eval", ...models.flags], { cwd });
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr + refused.stdout,
    /runs code on your machine that models write[\s\S]*NOT (?:kept )?from reading your files[\s\S]*--yes/,
  );
  assert.equal(models.large.requests.length, 0);
});

test("who agreed once is asked again only when it is confined less", async () => {
  const state = await mkdtemp(join(tmpdir(), "tandem-consent-"));
  const before = process.env.TANDEM_STATE;
  process.env.TANDEM_STATE = state;
  try {
    const says = ["without network"];
    await writePrivateFile(
      join(state, "eval-consent"),
      createHash("sha256").update(JSON.stringify(says)).digest("hex"),
    );
    const signal = new AbortController().signal;
    await agreeToRun(says, false, signal);
    if (process.stdin.isTTY) return;
    await assert.rejects(agreeToRun(["WITH network"], false, signal), { code: "bad-input", message: /WITH network/ });
  } finally {
    if (before === undefined) delete process.env.TANDEM_STATE;
    else process.env.TANDEM_STATE = before;
    await rm(state, { recursive: true });
  }
});

test("who stops it sees what there is, and nothing of it is lost", { skip: process.platform === "win32" }, async () => {
  await using instance = await createInstance();
  const hung = Promise.withResolvers<void>();
  const reply = await scriptedModel(tasks, LARGE);
  let drafts = 0;
  await using model = await startFakeLlama({
    reply: (it) => {
      if (!/```/.test(reply(it)) || ++drafts < 3) return reply(it);
      hung.resolve();
      return { fault: { kind: "hang" } };
    },
  });
  const out = join(instance.folder, "results.jsonl");
  const flags = ["--yes", "--languages", "ts", "--modes", "draft", "--out", out, "--endpoint", model.url];
  const running = startCli(["eval", ...flags], { cwd, env: instance.env });
  await hung.promise;
  running.process.kill("SIGINT");
  await once(running.process, "exit");
  const ended = await running.ended;
  assert.equal(ended.code, 130, ended.stderr);
  assert.match(ended.stdout, /\ndraft +0\/2 /);
  assert.match(ended.stdout, /Stopped\. The same command with --out/);
  assert.equal((await readFile(out, "utf8")).trim().split("\n").length, 3);
});

test("an engine that fails again and again ends its mode, and counts neither way", async () => {
  await using instance = await createInstance();
  await using model = await startFakeLlama({ reply: () => ({ fault: { kind: "status", status: 401, body: "no" } }) });
  const flags = ["--yes", "--languages", "ts", "--modes", "draft", "--endpoint", model.url];
  const ran = await runCli(["eval", ...flags], { cwd, env: instance.env });
  assert.match(ran.stdout, /draft was given up, as its engine failed again and again: \S/);
  assert.match(ran.stdout, /\ndraft +0\/0 .*3 left out: an engine failed/);
});

test("an auditor's verdicts on planted faults, part by part and as a whole", async () => {
  await using instance: Instance = await createInstance();
  await using auditor = await startFakeLlama({ reply: ruleAuditor({ misses: 0, falseAlarms: 0 }) });
  const ran = await runCli(["eval", "--agreement", "--limit", "9", "--endpoint", auditor.url], {
    cwd,
    env: instance.env,
  });
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /9\/9 .*parts: .* whole: /);
  assert.match(ran.stdout, /9 drafts, \d of them with a planted fault\n/);
  assert.match(ran.stdout, /with the final pass against the whole at once: agree on \d+ %/);
});

const WRONG = [
  {
    name: "a language that there is not",
    words: [],
    values: { languages: "cobol" },
    says: /--languages: there is no "cobol"/,
  },
  { name: "a mode that there is not", words: [], values: { modes: "draft,huge" }, says: /--modes: there is no "huge"/ },
  { name: "no tasks at all", words: [], values: { limit: "0" }, says: /--limit: "0"/ },
  { name: "a seed that is none", words: [], values: { seed: "x" }, says: /--seed: "x"/ },
  { name: "a word that means nothing", words: ["run"], values: {}, says: /takes no "run"/ },
  { name: "nothing to show", words: ["show"], values: {}, says: /takes a file of results/ },
  {
    name: "a flag that does not go with another",
    words: [],
    values: { agreement: true, modes: "draft" },
    says: /--modes says nothing/,
  },
];
for (const { name, words, values, says } of WRONG)
  test(`${name} is refused by name`, () =>
    assert.throws(() => toEval(words, values), { code: "bad-input", message: says }));
