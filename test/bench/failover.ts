// What a dying engine costs its user: `npm run bench:failover`. For every phase in which a server can die: from the last sign of the first
// one, or from the request where there was none, to the first text of the next, as an OpenAI client at the HTTP door and as the editor sees
// it. Servers are scripted, answer at once, and run in this process; connections, retries and their pauses are the real ones.
// `--real` adds the embedded engine, killed in the middle of its text beside a second one that is loaded. `--runs 20` changes the number.
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import OpenAI from "openai";
import type { Engine } from "../../server/ports.ts";
import { run } from "../../server/protocol/requests.ts";
import { silentLog } from "../fakes/log.ts";
import { piecesOf } from "../fakes/openaiScript.ts";
import { KEY, startDoor } from "../http/door.ts";
import { always, phases, startDying } from "../server/dyingServers.ts";
import { startOrchestrator } from "../server/orchestrator.ts";
import { realEngines } from "../server/testWorld.ts";
import { ensureTinyLlama } from "../setup/tinyllama.ts";

const TEXT = "the quick brown fox jumps over the lazy dog ".repeat(20);
const PIECES = piecesOf({ text: TEXT }).length;
const KILL_AFTER = 8;
const WIDTHS = [52, 24, 24, 8];

const { values } = parseArgs({
  options: { runs: { type: "string", default: "20" }, real: { type: "boolean", default: false } },
});
const runs = Number(values.runs);

say(row(["the first server dies", "HTTP door ms p50 / p95", "main job ms p50 / p95", "intact"]));
for (const { name, fault } of [{ name: "not at all: the first text", fault: null }, ...phases(PIECES)]) {
  const door: Gap[] = [];
  const job: Gap[] = [];
  for (let at = 0; at < runs; at++) {
    door.push(await overDoor(fault));
    job.push(await overJob(fault));
  }
  const isIntact = [...door, ...job].every((it) => it.isIntact);
  say(row([name, centiles(door), centiles(job), isIntact ? "yes" : "NO"]));
  if (!isIntact) process.exitCode = 1;
}
if (values.real) await showReal();
say(`${runs} runs each; load average ${loadavg()[0]?.toFixed(1)}`);

interface Gap {
  readonly ms: number;
  readonly isIntact: boolean;
}

type Given = ReturnType<typeof phases>[number]["fault"] | null;

/** A server that breaks so, and one that works. */
async function servers(fault: Given) {
  const first = await startDying({ text: TEXT, models: ["large"], ...(fault ? { fault: always(fault) } : {}) });
  const second = await startDying({ text: TEXT, models: ["small"] });
  return {
    settings: { draft: { endpoint: first.url }, audit: { endpoint: second.url }, auditWhen: "never" as const },
    async [Symbol.asyncDispose]() {
      await first.close();
      await second.close();
    },
  };
}

async function overDoor(fault: Given): Promise<Gap> {
  await using there = await servers(fault);
  await using door = await startDoor(there.settings);
  const client = new OpenAI({ baseURL: `${door.url}/v1`, apiKey: KEY, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "Implement the fox" }];
  // Connections are open, models are known.
  await client.models.list();
  const seen = watch();
  const stream = await client.chat.completions.create({ model: "auto", messages, stream: true });
  for await (const chunk of stream) seen.see(chunk.choices[0]?.delta.content ?? "", "tandem" in chunk);
  return seen.gap();
}

async function overJob(fault: Given): Promise<Gap> {
  await using there = await servers(fault);
  await using orchestrator = await startOrchestrator();
  const client = await orchestrator.connect(there.settings);
  const seen = watch();
  let hasSeam = false;
  await client.send(
    run,
    { action: "ask", instruction: "Implement the fox" },
    {
      onEvent(event) {
        if (event.kind === "seam") hasSeam = event.seam.atCharacters > 0;
        if (event.kind !== "draft") return;
        seen.see(event.text, hasSeam);
        hasSeam = false;
      },
    },
  );
  return seen.gap();
}

/** The longest wait for text behind a seam, or for the first text where there is none. */
function watch() {
  let lastMs = performance.now();
  let worstMs = 0;
  let firstMs: number | null = null;
  let hasSeam = false;
  let text = "";
  return {
    see(more: string, isSeam: boolean): void {
      if (more === "") return;
      const nowMs = performance.now();
      firstMs ??= nowMs - lastMs;
      if (isSeam) worstMs = Math.max(worstMs, nowMs - lastMs);
      hasSeam ||= isSeam;
      lastMs = nowMs;
      text += more;
    },
    gap: (): Gap => ({ ms: hasSeam ? worstMs : (firstMs ?? Number.NaN), isIntact: text === TEXT }),
  };
}

/** The small model twice; the one that writes is killed. What passes is one piece that was under way, the prompt read anew, and the first token. */
async function showReal(): Promise<void> {
  const { path } = await ensureTinyLlama((line) => say(line), AbortSignal.timeout(60_000));
  const engines: Engine[] = [];
  const open = realEngines(silentLog);
  await using orchestrator = await startOrchestrator({
    async openEngine(spec, signal) {
      const engine = await open(spec, signal);
      engines.push(engine);
      return engine;
    },
  });
  const model = `file:${path}`;
  const client = await orchestrator.connect({ draft: { model }, audit: { model }, auditWhen: "never", maxTokens: 24 });
  let pieces = 0;
  let lastMs = 0;
  let seamMs: number | null = null;
  let loadedMs = 0;
  await client.send(
    run,
    { action: "ask", instruction: "Name the days of the week." },
    {
      onEvent(event) {
        if (event.kind === "ready") loadedMs = event.tookMs;
        if (event.kind !== "draft") return;
        if (pieces++ >= KILL_AFTER && engines.length > 1 && seamMs === null) seamMs = performance.now() - lastMs;
        lastMs = performance.now();
        if (pieces === KILL_AFTER) process.kill(engines[0]?.pid ?? 0, "SIGKILL");
      },
    },
  );
  say(
    `embedded engine killed: ${seamMs === null ? "nobody went on" : `${Math.round(seamMs)} ms`} to the next text, of which ${Math.round(loadedMs)} ms loading the model`,
  );
}

function centiles(gaps: readonly Gap[]): string {
  const sorted = gaps.map((it) => it.ms).toSorted((a, b) => a - b);
  const of = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
  return `${of(0.5)} / ${of(0.95)}`;
}

function row(cells: readonly string[]): string {
  return cells.map((cell, at) => cell.padEnd(WIDTHS[at] ?? 0)).join("");
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
