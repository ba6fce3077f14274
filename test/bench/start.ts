import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createProtocolConnection, InitializeRequest } from "vscode-languageserver-protocol/node";
import { z } from "zod";

const ROOT = join(import.meta.dirname, "..", "..");
const ROUNDS = 21;
const EMPTY = "an empty Node process";
const Times = z.object({ require: z.number(), activate: z.number() });

/** One start, in milliseconds by what is measured. */
type Measurement = () => Promise<Record<string, number>>;

/**
 * How long starts take, in milliseconds and as multiples of starting an empty Node process, which tells of the code and not
 * of the machine. What is measured takes turns, so that a machine that is busy for a while is so for all of them.
 */
async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-bench-"));
  try {
    const dist = join(folder, "dist");
    await once(spawn(process.execPath, [join(ROOT, "esbuild.mjs"), "--minified", dist], { stdio: "inherit" }), "exit");
    await copyFile(join(ROOT, "package.json"), join(folder, "package.json"));
    const measurements: Measurement[] = [
      startEmpty,
      () => startOrchestrator(join(dist, "server.js")),
      () => activateExtension(join(dist, "extension.cjs")),
    ];
    print(await takeTurns(measurements));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function takeTurns(measurements: readonly Measurement[]): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>();
  for (const measure of measurements) await measure(); // fills the disk's cache
  for (let round = 0; round < ROUNDS; round++)
    for (const measure of measurements)
      for (const [name, ms] of Object.entries(await measure())) times.set(name, [...(times.get(name) ?? []), ms]);
  return times;
}

async function startEmpty(): Promise<Record<string, number>> {
  const startedMs = performance.now();
  await once(spawn(process.execPath, ["-e", ""], { stdio: "ignore" }), "exit");
  return { [EMPTY]: performance.now() - startedMs };
}

/** From the start of the process to the answer to `initialize`. */
async function startOrchestrator(program: string): Promise<Record<string, number>> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [program, "--stdio"], { stdio: ["pipe", "pipe", "ignore"] });
  const exited = once(child, "exit");
  const connection = createProtocolConnection(child.stdout, child.stdin);
  connection.listen();
  const ended = exited.then(([code]) => Promise.reject(new Error(`the orchestrator ended with exit code ${code}`)));
  ended.catch(() => undefined);
  await Promise.race([
    connection.sendRequest(InitializeRequest.type, { processId: process.pid, rootUri: null, capabilities: {} }),
    ended,
  ]);
  const ms = performance.now() - startedMs;
  connection.dispose();
  child.stdin.end();
  await exited;
  return { "orchestrator: from its start to LSP initialised": ms };
}

async function activateExtension(program: string): Promise<Record<string, number>> {
  const script = join(import.meta.dirname, "activate.ts");
  const child = spawn(process.execPath, [script, program], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`the extension could not be activated: ${program}`);
  const { require, activate } = Times.parse(JSON.parse(output));
  return {
    "extension: its code loaded": require,
    "extension: activated": activate,
    "extension: both": require + activate,
  };
}

function print(times: Map<string, number[]>): void {
  const empty = median(times.get(EMPTY) ?? []);
  const rows = [...times].map(
    ([name, all]) => [name, median(all).toFixed(1), (median(all) / empty).toFixed(2)] as const,
  );
  process.stdout.write(
    `\nMedians of ${ROUNDS} starts, Node ${process.version}, ${availableParallelism()} cores, nothing asked of a model\n\n`,
  );
  for (const [name, ms, ratio] of [["", "ms", "x empty"] as const, ...rows])
    process.stdout.write(`${name.padEnd(50)}${ms.padStart(9)}${ratio.padStart(9)}\n`);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

await main();
