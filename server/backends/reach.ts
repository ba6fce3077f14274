import { isSameCardName } from "../core/cardName.ts";
import type { HardwareGpu } from "../core/choose.ts";
import type { FromChild } from "../engine/wire.ts";
import { aborted, TandemError, throwIfAborted } from "../errors.ts";
import type { AskReach, Clock, Log, Reach, ReachWish } from "../ports.ts";
import { startEngineChild } from "./engineChild.ts";
import { createInbox } from "./inbox.ts";
import { type CardFacts, listDevices, matchDevices } from "./llamaDevices.ts";
import { childEnvironment, pinFor } from "./pin.ts";

export interface ReachDeps {
  readonly log: Log;
  readonly clock: Clock;
  /** The engine child's program. */
  readonly childPath: string;
  /** Where fetched builds of llama.cpp lie; null: there are none. */
  readonly builds: string | null;
  /** The cards of this machine, as far as anybody knows them. */
  readonly cards: () => readonly CardFacts[];
}

/** A driver that has gone to sleep takes seconds; one that never answers is left to the load, which says more. */
const ANSWER_MS = 30_000;
/** A driver or a build that is installed meanwhile is found by then. What can be used stays so: a load that fails says why. */
const FORGET_MS = 60_000;
const MOST_ANSWERS = 64;

/** Engines are asked in processes of their own, since a driver may end the process that starts it; each question once for everybody. */
export function createReach(deps: ReachDeps): AskReach {
  const known = new Map<string, { readonly reach: Promise<Reach>; readonly untilMs: number }>();
  return async (wish, signal) => {
    throwIfAborted(signal);
    const { executable, device, gpus } = wish;
    const key = JSON.stringify([executable, gpus.length > 0 ? gpus.map((it) => it.uuid) : device]);
    const found = known.get(key);
    if (found && deps.clock.nowMs() < found.untilMs) return Promise.race([found.reach, aborted(signal)]);
    const reach = ask(wish, deps);
    known.delete(key);
    known.set(key, { reach, untilMs: Number.POSITIVE_INFINITY });
    const [oldest] = known.keys();
    if (known.size > MOST_ANSWERS && oldest !== undefined) known.delete(oldest);
    void reach.then(({ whyNot, gpus }) => {
      if (whyNot === null && gpus.length === wish.gpus.length) return;
      known.set(key, { reach, untilMs: deps.clock.nowMs() + FORGET_MS });
    });
    return Promise.race([reach, aborted(signal)]);
  };
}

/** Never rejects: what cannot be told is left to the load. */
async function ask(wish: ReachWish, deps: ReachDeps): Promise<Reach> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const reach = await (wish.executable === null ? askEmbedded(wish, deps, signal) : askServer(wish, deps, signal));
    const { whyNot, gpus } = reach;
    deps.log.info("engine's GPUs looked for", { device: wish.device, usable: gpus.length, whyNot: whyNot?.message });
    return reach;
  } catch (error) {
    deps.log.warn("engine does not say which GPUs it can use", { device: wish.device, reason: String(error) });
    return { gpus: wish.gpus, whyNot: null };
  }
}

async function askEmbedded(wish: ReachWish, deps: ReachDeps, signal: AbortSignal): Promise<Reach> {
  const { gpu, env } = environmentFor(wish);
  const messages = createInbox<FromChild>();
  await using child = startEngineChild({ path: deps.childPath, env }, (message) => {
    if (message.kind !== "log") messages.add(message);
  });
  void child.ended.then(({ exitCode, signal: by, lastWords }) =>
    messages.fail(new Error(`its process ended: ${by ?? exitCode} ${lastWords}`)),
  );
  const kill = () => child.kill();
  signal.addEventListener("abort", kill, { once: true });
  try {
    child.send({ kind: "reach", gpu, builds: deps.builds });
    const answer = await messages.take();
    if (answer.kind === "load-failed") return { gpus: [], whyNot: answer.failure };
    if (answer.kind !== "reached") throw new Error(`the engine answered ${answer.kind} to what it can use`);
    return amongBuilds(wish, answer);
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/** Vulkan shows what is no card of ours, too; what the others show is what their variables name. */
function amongBuilds({ gpus }: ReachWish, { gpu, names }: Extract<FromChild, { kind: "reached" }>): Reach {
  if (gpu === "none") return { gpus: [], whyNot: gpus.length > 0 ? NO_BUILD : NO_DEVICE };
  const seen = gpu === "vulkan" ? gpus.filter((it) => names.some((name) => isSameCardName(it.name, name))) : gpus;
  if (seen.length > 0 || gpus.length === 0) return { gpus: seen, whyNot: null };
  const message = `Vulkan does not show ${gpus.map((it) => it.name).join(" and ")}; it shows: ${names.join(", ")}`;
  return { gpus: [], whyNot: { message, nextStep: "Install the card's Vulkan driver, or run `tandem get`" } };
}

const NO_BUILD: Reach["whyNot"] = {
  message: "no engine build that is here can use it",
  nextStep: 'Install its Vulkan driver, or see `tandem get`; or set the device to "auto" or "cpu"',
};

/** What no reading shows may be nothing at all. */
const NO_DEVICE: Reach["whyNot"] = {
  message: "there is no such GPU, or no engine build that is here can use it",
  nextStep: 'Correct the device or set it to "auto" or "cpu"; install its Vulkan driver, or see `tandem get`',
};

async function askServer(wish: ReachWish, { cards }: Pick<ReachDeps, "cards">, signal: AbortSignal): Promise<Reach> {
  const { executable, gpus, device } = wish;
  const listed = await listDevices(executable ?? "", environmentFor(wish).env, signal);
  const whyNot = {
    message: `${executable} sees ${listed.map((it) => `${it.name} ${it.description}`).join(", ") || "no GPU at all"}`,
    nextStep: 'Use a llama-server that is built for this GPU (run it with --list-devices), or set the device to "cpu"',
  };
  if (gpus.length === 0) return { gpus, whyNot: listed.length === 0 && device !== "cpu" ? whyNot : null };
  const machine = cards();
  if (isSeen(gpus, listed, machine)) return { gpus, whyNot: null };
  // One that is not seen is no reason against the others.
  const usable: HardwareGpu[] = [];
  if (gpus.length > 1)
    for (const gpu of gpus) usable.push(...(await askServer({ ...wish, gpus: [gpu] }, { cards }, signal)).gpus);
  return { gpus: usable, whyNot: usable.length === 0 ? whyNot : null };
}

function isSeen(...[gpus, listed, machine]: Parameters<typeof matchDevices>): boolean {
  try {
    return matchDevices(gpus, listed, machine).devices !== "none";
  } catch (error) {
    if (error instanceof TandemError) return false;
    throw error;
  }
}

/** Which of Vulkan's numbers a card has is found out when it is loaded, so all of them are shown. */
function environmentFor({ device, gpus }: ReachWish) {
  const pin = pinFor({ device: gpus[0]?.id ?? device, cards: gpus.map((it) => ({ ...it, share: 1 })) });
  const isElectron = process.versions.electron !== undefined;
  const { GGML_VK_VISIBLE_DEVICES: number, ...env } = childEnvironment(process.env, { isElectron, pin });
  const isByNumber = gpus.length === 0 && number !== undefined;
  return { gpu: pin.gpu, env: isByNumber ? { ...env, GGML_VK_VISIBLE_DEVICES: number } : env };
}
