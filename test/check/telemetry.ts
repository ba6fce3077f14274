import { setTimeout as sleep } from "node:timers/promises";
import { status } from "../../server/protocol/requests.ts";
import { connect } from "../server/connect.ts";
import { createInstance } from "../server/instance.ts";
import { type Machine, plainCards, plainProcesses } from "./machine.ts";
import { createComparison, type Step } from "./report.ts";

const never = new AbortController().signal;
/** Two moments a second apart are never quite the same. */
const NEAR_MEBIBYTES = 512;
const NEAR_DEGREES = 6;
const SETTLE_MS = 15_000;

/** What the orchestrator tells of every card, beside what nvidia-smi prints when asked once. */
export async function checkTelemetry({ tool, env }: Machine): Promise<Step> {
  const told = createComparison();
  await using instance = await createInstance(env);
  await using client = await connect(instance, {});
  const ask = () => client.send(status, {}, () => undefined, never);
  const endMs = performance.now() + SETTLE_MS;
  let now = await ask();
  while (now.gpuSources.some((it) => it.health === "starting") && performance.now() < endMs) {
    await sleep(100);
    now = await ask();
  }
  await sleep(2_500); // the processes' list has had the time to print
  now = await ask();
  const [plain, processes] = await Promise.all([plainCards(tool), plainProcesses(tool)]);
  const ours = now.gpus.filter((it) => it.vendor === "nvidia");
  told.check(
    ours.map((it) => it.uuid).join() === plain.map((it) => it.uuid).join(),
    `the same ${plain.length} cards in the same order`,
  );
  for (const card of plain) {
    const own = ours.find((it) => it.uuid === card.uuid);
    const used = (own?.usedBytes ?? Number.NaN) / 1024 ** 2;
    const which = `GPU ${card.index}, ${card.name}`;
    told.check(own?.health === "ok", `${which}: its reading is ${own?.health ?? "missing"}`);
    told.check(own?.totalBytes === card.totalMebibytes * 1024 ** 2, `${which}: ${card.totalMebibytes} MiB in all`);
    told.check(
      Math.abs(used - card.usedMebibytes) <= NEAR_MEBIBYTES,
      `${which}: ${used} MiB used, nvidia-smi says ${card.usedMebibytes}`,
    );
    told.check(
      Number.isNaN(card.celsius)
        ? own?.celsius === null
        : Math.abs((own?.celsius ?? 999) - card.celsius) <= NEAR_DEGREES,
      `${which}: ${own?.celsius} °C, nvidia-smi says ${card.celsius}`,
    );
    const pids = processes.filter((it) => it.uuid === card.uuid).map((it) => it.pid);
    const known = own?.processes?.map((it) => it.pid) ?? null;
    told.check(
      known === null ? pids.length === 0 : pids.every((it) => known.includes(it)),
      `${which}: processes ${known === null ? "are not known" : known.join(" ") || "none"}, nvidia-smi lists ${pids.join(" ") || "none"}`,
    );
  }
  return { name: "telemetry", outcome: told.outcome(), lines: told.lines, figures: { told: ours, plain, processes } };
}
