import { readdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type InstantLoad, instant, paced } from "./overhead/client.ts";
import { type Contender, type Contenders, startContenders } from "./overhead/contenders.ts";
import { inspect } from "./overhead/inspector.ts";

const PACED = { streams: 32, tokens: 100, everyMs: 10 };
const INSTANT_TOKENS = 64;
const ALONE: InstantLoad = { atOnce: 1, count: 200, tokens: INSTANT_TOKENS };
const TOGETHER: InstantLoad = { atOnce: 32, count: 640, tokens: INSTANT_TOKENS };
const ROUNDS = 7;
const REQUESTS = [1_000, 5_000, 10_000];

const { values } = parseArgs({
  options: {
    /** Where a CPU profile of the orchestrator is put. */
    profile: { type: "string" },
    rounds: { type: "string", default: String(ROUNDS) },
    /** paced, instant, memory; all of them when left out. With a profile: what it is of. */
    only: { type: "string" },
  },
});

/**
 * What Tandem's HTTP door adds to a backend, beside nginx and the least a proxy in Node can do. Client, backend and whoever stands in
 * between are processes of their own; those in between take turns, so that a machine that is busy for a while is so for all of them.
 */
async function main(): Promise<void> {
  await using contenders = await startContenders();
  say(
    `Node ${process.version}, ${availableParallelism()} cores, load ${(await readFile("/proc/loadavg", "utf8")).slice(0, 14)}`,
  );
  for (const it of contenders.all) await instant(it, { ...TOGETHER, count: 1_000 });
  if (values.profile !== undefined) return await profile(contenders, values.profile);
  const isWanted = (part: string) => values.only === undefined || values.only === part;
  if (isWanted("paced")) await showPaced(contenders.all);
  if (isWanted("instant")) for (const load of [ALONE, TOGETHER]) await showInstant(contenders.all, load);
  if (isWanted("memory")) await showMemory(contenders);
}

/** For each contender the rounds' medians of what `figures` says, less those of the same round without anybody in between. */
async function rounds(
  all: readonly Contender[],
  figures: (it: Contender) => Promise<readonly number[]>,
): Promise<Map<string, readonly number[]>> {
  const seen = new Map<string, number[][]>(all.map(({ name }) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    let direct: readonly number[] = [];
    for (const it of all) {
      const found = await figures(it);
      if (it.name === "direct") direct = found;
      const added = found.map((value, at) => value - (direct[at] ?? 0));
      seen.get(it.name)?.push(it.name === "direct" ? [...found] : added);
    }
  }
  return new Map(
    [...seen].map(([name, of]) => [
      name,
      (of[0] ?? []).map((_, at) =>
        quantile(
          of.map((it) => it[at] ?? 0),
          0.5,
        ),
      ),
    ]),
  );
}

async function showPaced(all: readonly Contender[]): Promise<void> {
  const { streams, tokens, everyMs } = PACED;
  say(
    `\n${streams} streams at ${1_000 / everyMs} tokens/s, ${tokens} tokens each, read by OpenAI's client; added to direct, median of ${values.rounds} rounds`,
  );
  const found = await rounds(all, async (it) => {
    const before = await busyMs(it);
    const { firstMs, tokenMs } = await paced(it, PACED);
    const busy = ((await busyMs(it)) - before) / (streams * tokens);
    return [...[firstMs, tokenMs].flatMap((of) => [quantile(of, 0.5), quantile(of, 0.99)]), busy];
  });
  say(["", "TTFT p50", "TTFT p99", "token p50", "token p99", "CPU per token"].map(cell).join(""));
  for (const [name, row] of found) say([name, ...row.map(ms)].map(cell).join(""));
  const [, , p50 = 0, p99 = 0] = found.get("tandem") ?? [];
  say(`bars: token p50 < 1 ms ${verdict(p50 < 1)}, p99 < 3 ms ${verdict(p99 < 3)}`);
}

async function showInstant(all: readonly Contender[], load: InstantLoad): Promise<void> {
  const { atOnce, count, tokens } = load;
  say(
    `\n${atOnce} at once, ${tokens} tokens from an instant backend, ${count} streams a round; added to direct, median of ${values.rounds} rounds`,
  );
  const found = await rounds(all, async (it) => {
    const before = await busyMs(it);
    const times = await instant(it, load);
    const busy = ((await busyMs(it)) - before) / count;
    return [quantile(times, 0.5), quantile(times, 0.99), busy];
  });
  say(["", "total p50", "total p99", "its CPU", "p50 x node:http", "CPU x node:http"].map(cell).join(""));
  const [bare = 1, , bareBusy = 1] = found.get("node:http") ?? [];
  for (const [name, row] of found) {
    const [p50 = 0, , busy = 0] = row;
    const ratios = name === "direct" ? [] : [times(p50 / bare), times(busy / bareBusy)];
    say([name, ...row.map(ms), ...ratios].map(cell).join(""));
  }
  const [added = 0] = found.get("tandem") ?? [];
  say(`bar: at most 1.5 x what node:http adds ${verdict(added <= 1.5 * bare)}`);
}

async function showMemory({ all, inspectorPort }: Contenders): Promise<void> {
  const { tandem, pid } = tandemOf(all);
  using inspector = await inspect({ pid, port: inspectorPort });
  say("\nmemory of the orchestrator, after a full collection");
  say(["requests", "heap", "RSS", "sockets"].map(cell).join(""));
  const seen: { readonly requests: number; readonly heap: number; readonly rss: number }[] = [];
  let done = 0;
  for (const requests of REQUESTS) {
    await instant(tandem, { ...TOGETHER, count: requests - done });
    done = requests;
    const heap = await inspector.heapBytes();
    const rss = await rssBytes(pid);
    const { TCPSocketWrap: sockets = 0 } = await inspector.resources();
    seen.push({ requests, heap, rss });
    say([String(requests), mb(heap), mb(rss), String(sockets)].map(cell).join(""));
  }
  const [first, last] = [seen[0], seen.at(-1)];
  if (!first || !last) return;
  const per = (last.heap - first.heap) / (last.requests - first.requests);
  say(`slope of the heap from ${first.requests} on: ${per.toFixed(0)} bytes a request`);
  say(`what is open at the end: ${JSON.stringify(await inspector.resources())}`);
}

function tandemOf(all: readonly Contender[]): { readonly tandem: Contender; readonly pid: number } {
  const tandem = all.find((it) => it.name === "tandem");
  if (!tandem?.pid) throw new Error("tandem is not among them");
  return { tandem, pid: tandem.pid };
}

async function profile({ all, inspectorPort }: Contenders, file: string): Promise<void> {
  const { tandem, pid } = tandemOf(all);
  using inspector = await inspect({ pid, port: inspectorPort });
  await instant(tandem, { ...TOGETHER, count: 3_000 });
  const work = () =>
    values.only === "paced" ? paced(tandem, { ...PACED, tokens: 500 }) : instant(tandem, { ...TOGETHER, count: 3_000 });
  await writeFile(file, JSON.stringify(await inspector.profile(work)));
}

/** Processor time that a contender has had, all its threads together. A machine that is busy with other things does not change it much. */
async function busyMs({ pid }: Contender): Promise<number> {
  if (pid === null) return 0;
  const threads = await readdir(`/proc/${pid}/task`);
  const spent = threads.map((it) => readFile(`/proc/${pid}/task/${it}/schedstat`, "utf8").catch(() => "0"));
  const nanoseconds = (await Promise.all(spent)).map((it) => Number(it.split(" ")[0]));
  return nanoseconds.reduce((sum, it) => sum + it, 0) / 1e6;
}

async function rssBytes(pid: number): Promise<number> {
  const [, kb = "0"] = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kb) * 1024;
}

function quantile(given: readonly number[], part: number): number {
  const sorted = given.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * part)] ?? 0;
}

function verdict(isMet: boolean): string {
  return isMet ? "(met)" : "(MISSED)";
}

function ms(value: number): string {
  return `${value.toFixed(3)} ms`;
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)} x`;
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function cell(text: string): string {
  return text.padEnd(17);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();
