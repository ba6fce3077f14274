// What reading GPUs and keeping what was read costs this process: `node test/bench/sampling.ts [SECONDS]`. With an NVIDIA driver its own tool is read, and that
// tool's time is told besides; without one a fake with eight cards and sixteen processes, whose own time means nothing.
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { watchNvidia } from "../../server/gpu/nvidia.ts";
import { gpuSources } from "../../server/gpu/sources.ts";
import { findTool } from "../../server/gpu/tool.ts";
import { createGpuHistory } from "../../server/history/history.ts";
import { createMonitor, type Monitor, recentOf } from "../../server/monitor.ts";
import { silentLog } from "../fakes/log.ts";
import { card, fakeSmi } from "../gpu/smi.ts";

const seconds = Number(process.argv[2] ?? 30);
const isReal = (await findTool("nvidia-smi", process.env)) !== null;
const processes = Array.from(
  { length: 16 },
  (_, nth) => `GPU-0000000${nth % 8}-1111-2222-3333-444444444444, ${nth + 1}, 512, /usr/bin/a`,
);
using smi = fakeSmi({ cards: Array.from({ length: 8 }, (_, index) => card(index)), processes });
const fake = {
  name: "nvidia",
  start: (report: Parameters<typeof watchNvidia>[0]["report"]) => watchNvidia({ tool: smi.tool, report }),
};
const folder = await mkdtemp(join(tmpdir(), "tandem-sampling-"));
await using removal = new AsyncDisposableStack();
removal.defer(() => rm(folder, { recursive: true, force: true }));
await using history = createGpuHistory({
  ...{ folder, log: silentLog, wallMs: () => Date.now() },
  recent: () => recentOf(monitor, performance.now()),
});
await using monitor: Monitor = createMonitor({
  sources: isReal ? gpuSources() : [fake],
  clock: { nowMs: () => performance.now() },
  log: silentLog,
  onReading: (reading) => history.take(reading),
});
monitor.begin();
const first = Promise.withResolvers<void>();
let readings = 0;
using _ = monitor.listen(() => {
  readings++;
  first.resolve();
});
await first.promise;
// What the start costs is not what each second costs.
await sleep(1_000);
// Looking at the tools costs more than a minute of readings, so it is not counted.
const children = await ofChildren();
const before = { cpu: process.cpuUsage(), readings, atMs: performance.now() };
await sleep(seconds * 1_000);
const { user, system } = process.cpuUsage(before.cpu);
const tookMs = performance.now() - before.atMs;
const share = ((user + system) / 1_000 / tookMs) * 100;
const lines = [
  `${isReal ? "nvidia-smi" : "fake with 8 cards"}: ${readings - before.readings} readings in ${(tookMs / 1_000).toFixed(1)} s`,
  `this process, with what is written: ${share.toFixed(3)} % of one core`,
  `on disk: ${(await stat(join(folder, "gpus.db"))).size} bytes, and ${(await history.read(300)).gpus.length} GPUs in it`,
];
if (isReal && process.platform === "linux")
  lines.push(`its tools: ${((((await ofChildren()) - children) / tookMs) * 100).toFixed(3)} % of one core`);
process.stdout.write(`${lines.join("\n")}\n`);

/** CPU milliseconds of every nvidia-smi that runs here. Linux only; a tick is 10 ms. */
async function ofChildren(): Promise<number> {
  if (process.platform !== "linux") return 0;
  const pids = (await readdir("/proc")).filter((it) => /^\d+$/.test(it));
  const stats = await Promise.all(pids.map((it) => readFile(`/proc/${it}/stat`, "utf8").catch(() => "")));
  const ours = stats.filter((it) => it.includes("(nvidia-smi)"));
  return ours.reduce((sum, it) => {
    const fields = it.slice(it.lastIndexOf(")") + 2).split(" ");
    return sum + (Number(fields[11]) + Number(fields[12])) * 10;
  }, 0);
}
