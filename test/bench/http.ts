import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { Agent, request } from "undici";
import { silentLog } from "../fakes/log.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { KEY, startDoor } from "../http/door.ts";

const TOKENS = 64;
const WARM_UP = 200;
const COUNT = 1_000;
const AT_ONCE = 32;

type Role = { readonly kind: "backend" } | { readonly kind: "door"; readonly backend: string };

/** What the door adds to a stream of 64 tokens from a backend that is instant; backend, door and client each in a thread of their own. */
async function main(): Promise<void> {
  const backend = await start({ kind: "backend" });
  const door = await start({ kind: "door", backend: backend.url });
  const agent = new Agent({ connections: AT_ONCE });
  say(`Node ${process.version}, ${availableParallelism()} cores; ${TOKENS} tokens, ${COUNT} streams each\n`);
  say(["", "direct p50", "door p50", "ratio", "added", "direct p99", "door p99"].map(cell).join(""));
  for (const atOnce of [1, AT_ONCE]) {
    for (const url of [backend.url, door.url]) await measure({ url, agent, atOnce, count: WARM_UP });
    const direct = await measure({ url: backend.url, agent, atOnce, count: COUNT });
    const through = await measure({ url: door.url, agent, atOnce, count: COUNT });
    const [a, b] = [quantile(direct, 0.5), quantile(through, 0.5)];
    const figures = [
      ms(a),
      ms(b),
      `${(b / a).toFixed(2)} x`,
      ms(b - a),
      ms(quantile(direct, 0.99)),
      ms(quantile(through, 0.99)),
    ];
    say([atOnce === 1 ? "alone" : `${atOnce} at once`, ...figures].map(cell).join(""));
  }
  await agent.close();
  await Promise.all([door.end(), backend.end()]);
}

interface Load {
  readonly url: string;
  readonly agent: Agent;
  readonly atOnce: number;
  readonly count: number;
}

async function measure({ url, agent, atOnce, count }: Load): Promise<number[]> {
  const times: number[] = [];
  let left = count;
  const client = async () => {
    while (left-- > 0) {
      const startedMs = performance.now();
      const { statusCode, body } = await request(`${url}/v1/chat/completions`, {
        method: "POST",
        dispatcher: agent,
        headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
        body: ASK,
      });
      const text = await body.text();
      times.push(performance.now() - startedMs);
      if (statusCode !== 200 || !text.endsWith("[DONE]\n\n")) throw new Error(`HTTP ${statusCode}: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return times.sort((a, b) => a - b);
}

const ASK = JSON.stringify({ model: "auto", stream: true, messages: [{ role: "user", content: "count to 64" }] });

async function start(role: Role): Promise<{ url: string; end: () => Promise<unknown> }> {
  const worker = new Worker(new URL(import.meta.url), { workerData: role });
  // A measurement that fails ends the program.
  worker.unref();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  worker.once("message", resolve);
  worker.once("error", reject);
  return { url: await promise, end: () => worker.terminate() };
}

async function serve(role: Role): Promise<void> {
  if (role.kind === "backend") {
    const pieces = Array.from({ length: TOKENS }, (_, index) => `${index} `);
    const { url } = await startFakeLlama({ reply: () => ({ pieces }), slots: AT_ONCE });
    parentPort?.postMessage(url);
  } else {
    const { url } = await startDoor({ draft: { endpoint: role.backend } }, {}, { ...silentLog, lines: [] });
    parentPort?.postMessage(url);
  }
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.floor((sorted.length - 1) * part)] ?? 0;
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}

function cell(text: string): string {
  return text.padEnd(13);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

await (isMainThread ? main() : serve(workerData as Role));
