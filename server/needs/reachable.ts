import type { LocalSource } from "../core/assign.ts";
import type { Hardware, HardwareGpu } from "../core/choose.ts";
import { isNamed } from "../core/placeOptions.ts";
import { TandemError } from "../errors.ts";
import type { AskReach, Reach } from "../ports.ts";

export interface ReachableGiven {
  readonly source: LocalSource;
  /** The model, for people. */
  readonly label: string;
  readonly hardware: Hardware;
}

/** The machine as the engine of a model can use it. */
export interface Reachable {
  readonly hardware: Hardware;
  /** Why it goes to the processor, for people; null: it need not. */
  readonly whyNot: string | null;
}

/**
 * The machine without the GPUs that no build of the model's engine can use, before anything is reckoned with them. A device that the user
 * has named is the only one that is taken. Throws TandemError not-configured where that one is not there or cannot be used, cancelled.
 */
export async function reachable(given: ReachableGiven, ask: AskReach, signal: AbortSignal): Promise<Reachable> {
  const { source, hardware } = given;
  const { device, options, terms, use } = source;
  if (options.gpuLayers === 0 || (device === "cpu" && (terms.isDeviceGiven || use === "embed")))
    return { hardware, whyNot: null };
  return terms.isDeviceGiven && device !== "auto" ? named(given, ask, signal) : any(given, ask, signal);
}

/** A driver that takes longer to answer is left to the load, and models are chosen as if its GPUs could be used. */
const CHOOSING_MS = 3_000;

/**
 * The machine as models are chosen for it: one that is chosen for a GPU that no engine build here can use would have to go to main memory,
 * for which it is too large. Never throws.
 */
export async function usableHardware(hardware: Hardware, llamaServer: string, ask: AskReach): Promise<Hardware> {
  if (hardware.gpus.length === 0) return hardware;
  try {
    return await inReach({ source: { llamaServer, device: "auto" }, hardware }, ask, AbortSignal.timeout(CHOOSING_MS));
  } catch {
    return hardware;
  }
}

async function any({ source, hardware }: ReachableGiven, ask: AskReach, signal: AbortSignal): Promise<Reachable> {
  const reached = await inReach({ source, hardware }, ask, signal);
  const isNone = hardware.gpus.length > 0 && reached.gpus.length === 0;
  return { hardware: reached, whyNot: isNone ? NO_GPU_BUILD : null };
}

/** The machine with those of its GPUs that the engine says it can use; each make is asked for by itself. */
async function inReach(
  { source, hardware }: { readonly source: Wished; readonly hardware: Hardware },
  ask: AskReach,
  signal: AbortSignal,
): Promise<Hardware> {
  const asked = makes(hardware.gpus).map((gpus) => ask(wishOf(source, gpus), signal));
  return { ...hardware, gpus: (await Promise.all(asked)).flatMap((it) => it.gpus) };
}

/** What of an engine's configuration decides which GPUs it can use. */
type Wished = Pick<LocalSource, "llamaServer" | "device">;

async function named({ source, label, hardware }: ReachableGiven, ask: AskReach, signal: AbortSignal) {
  const { device } = source;
  const parts = device.split("+");
  for (const part of parts) checkNumber(part, hardware.gpus);
  const meant = hardware.gpus.filter((gpu) => parts.some((it) => isNamed(gpu, it)));
  // What no reading shows is asked for by its name alone.
  const groups = meant.length > 0 ? makes(meant) : [[]];
  for (const gpus of groups) {
    const { whyNot } = await ask(wishOf(source, gpus), signal);
    if (whyNot !== null) throw notThere(label, device, whyNot);
  }
  return { hardware, whyNot: null };
}

/** By their makers, since one build of an engine is for one of them. */
function makes(gpus: readonly HardwareGpu[]): readonly (readonly HardwareGpu[])[] {
  return [...Map.groupBy(gpus, (it) => it.vendor).values()];
}

function wishOf({ llamaServer, device }: Wished, gpus: readonly HardwareGpu[]) {
  return { executable: llamaServer === "" ? null : llamaServer, device, gpus };
}

/** CUDA's cards are counted as their driver's tool counts them; Vulkan has an order of its own. */
function checkNumber(part: string, all: readonly HardwareGpu[]): void {
  const cards = all.filter((it) => it.vendor === "nvidia").toSorted((a, b) => a.index - b.index);
  const number = /^(?:cuda|gpu):(\d+)$/.exec(part)?.[1];
  if (number === undefined || cards.length === 0 || all.some((it) => isNamed(it, part))) return;
  const [last, ...others] = cards.map((it) => `${it.index} (${it.name})`).reverse();
  const list = others.length === 0 ? `is ${last}` : `are ${others.reverse().join(", ")} and ${last}`;
  throw new TandemError(
    "not-configured",
    `The device "${part}" is not there: there is no card ${number}; there ${list}`,
    `Set the device to ${cards.map((it) => `"${part.split(":")[0]}:${it.index}"`).join(" or ")}, or to "auto"`,
  );
}

/** The user has named the device: then it is the only one that is taken. */
export function notThere(label: string, device: string, whyNot: Reach["whyNot"]): TandemError {
  return new TandemError(
    "not-configured",
    `${label} cannot run on ${device}: ${whyNot?.message ?? "there is no such GPU, or no engine build that is here can use it"}`,
    whyNot?.nextStep ??
      'Correct the device or set it to "auto" or "cpu"; install its Vulkan driver, or see `tandem get`',
  );
}

export const NO_GPU_BUILD =
  "The GPU could not be used by any engine build that is here, so this runs on the CPU; install its Vulkan driver, see `tandem get`, or set an endpoint";
