import { readFile, stat } from "node:fs/promises";
import { type CardSeen, judgePlacement, type PlacementQuestion } from "./core/placement.ts";
import type { Card, EngineSpec } from "./engineSpec.ts";
import { TandemError, throwIfAborted } from "./errors.ts";
import { hidesProcesses } from "./gpu/hiding.ts";
import type { Monitor, Watched } from "./monitor.ts";
import { withDescendants } from "./platform/descendants.ts";
import type { Clock, Engine, Log, OpenEngine, Placement } from "./ports.ts";

/** Readings come once a second, and a process may be missing from the first list after its load; who is to be closed gets one more. */
const MOST_READINGS = { unverifiable: 2, refuted: 3, verified: 0 } as const;
/** A driver that says nothing for so long keeps nobody from his answer. */
const WAIT_MS = 6_000;

export interface WitnessDeps {
  readonly openEngine: OpenEngine;
  readonly monitor: Pick<Monitor, "now" | "listen">;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the driver's list of processes numbers them as this system does; `listsOurProcesses` unless a test says otherwise. */
  readonly isListed?: () => Promise<boolean>;
  readonly pidsOf?: (pid: number) => Promise<number[]>;
  readonly waitMs?: number;
}

/**
 * Opens engines, and looks whether they are on the GPUs that they were given before anybody uses them. An engine that is proven to be
 * elsewhere is closed: it would take memory that others were promised. Throws TandemError not-configured for it, else what opening throws.
 */
export function createWitness(deps: WitnessDeps): OpenEngine {
  return async (spec, signal) => {
    const cards = cardsOf(spec);
    const before = seen(deps);
    const engine = await deps.openEngine(spec, signal);
    // One that fell back to the processor says so itself.
    if (cards.length === 0 || engine.pid === null || engine.device === "cpu") return engine;
    try {
      const placement = await judged({ spec, cards, engine, before }, deps, signal);
      deps.log.info("placement", { model: engine.model.id, pid: engine.pid, ...placement });
      if (placement.verdict === "refuted") throw misplaced(engine, placement);
      return withPlacement(engine, placement);
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
  };
}

/**
 * On Linux and outside containers. Inside, and under WSL, the driver counts as the host does. A namespace of its own is what makes a
 * container count otherwise; Kubernetes and sandboxes of desktops (Flatpak) leave no other mark.
 */
async function listsOurProcesses(): Promise<boolean> {
  if (process.platform !== "linux") return process.platform === "win32";
  if (await hidesProcesses()) return false;
  const marks = await Promise.all(["/.dockerenv", "/run/.containerenv"].map((it) => stat(it).catch(() => null)));
  const cgroup = await readFile("/proc/1/cgroup", "utf8").catch(() => "");
  return marks.every((it) => it === null) && !/docker|kubepods|containerd|lxc|podman/.test(cgroup);
}

interface Case {
  readonly spec: EngineSpec;
  readonly cards: readonly Card[];
  readonly engine: Engine;
  readonly before: readonly CardSeen[];
}

/** Looks at up to three readings, and no further once it is proven to be there. */
async function judged(
  { spec, cards, engine, before }: Case,
  deps: WitnessDeps,
  signal: AbortSignal,
): Promise<Placement> {
  const { monitor, clock } = deps;
  const known = monitor.now().gpus.filter((it) => cards.some(({ uuid }) => uuid === it.reading.uuid));
  const blind = known.length < cards.length || known.some((it) => it.health === "broken");
  if (blind) return { verdict: "unverifiable", why: `nothing reads ${cards.map((it) => it.uuid).join(" and ")}` };
  const question: PlacementQuestion = {
    cards: cards.map(({ uuid }) => ({ uuid, needBytes: heldOn(engine, uuid) })),
    pids: await (deps.pidsOf ?? withDescendants)(engine.pid ?? 0),
    isListed: isCuda(spec, engine) && (await (deps.isListed ?? listsOurProcesses)()),
    said: engine.reported?.said ?? null,
  };
  const limit = AbortSignal.any([signal, AbortSignal.timeout(deps.waitMs ?? WAIT_MS)]);
  let sinceMs = clock.nowMs();
  let placement: Placement = { verdict: "unverifiable", why: "the driver told nothing while it was waited for" };
  for (let readings = 0; readings < MOST_READINGS[placement.verdict]; readings++) {
    if (!(await fresh({ cards, sinceMs }, deps, limit))) break;
    sinceMs = clock.nowMs();
    placement = judgePlacement(question, before, seen(deps));
  }
  throwIfAborted(signal);
  return placement;
}

/** Resolves when every card was read after `sinceMs`; false when that did not happen in time. */
async function fresh(
  { cards, sinceMs }: { readonly cards: readonly Card[]; readonly sinceMs: number },
  { monitor, clock }: WitnessDeps,
  limit: AbortSignal,
): Promise<boolean> {
  const done = Promise.withResolvers<boolean>();
  const look = () => {
    const nowMs = clock.nowMs();
    const isNew = (it: Watched | undefined) => it !== undefined && nowMs - it.ageMs > sinceMs;
    const { gpus } = monitor.now();
    if (cards.every(({ uuid }) => isNew(gpus.find((it) => it.reading.uuid === uuid)))) done.resolve(true);
  };
  const giveUp = () => done.resolve(false);
  using _listening = monitor.listen(look);
  limit.addEventListener("abort", giveUp, { once: true });
  if (limit.aborted) giveUp();
  try {
    return await done.promise;
  } finally {
    limit.removeEventListener("abort", giveUp);
  }
}

function cardsOf(spec: EngineSpec): readonly Card[] {
  // Macs have one GPU, and its memory is everybody's: there is nothing to mix up.
  return spec.kind === "endpoint" ? [] : spec.cards.filter((it) => it.vendor !== "apple");
}

function isCuda(spec: EngineSpec, engine: Engine): boolean {
  return spec.kind === "vllm" || engine.reported?.api === "cuda";
}

function heldOn({ held }: Engine, uuid: string): number | null {
  return held?.find((it) => it.device === uuid)?.bytes ?? null;
}

function seen({ monitor }: WitnessDeps): CardSeen[] {
  return monitor.now().gpus.flatMap(({ reading, health }) => (health === "ok" ? [reading] : []));
}

/** The same engine, with what was seen of it. */
function withPlacement(engine: Engine, placement: Placement): Engine {
  return { ...engine, placement, [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose]() };
}

function misplaced(engine: Engine, { why }: Placement): TandemError {
  return new TandemError(
    "not-configured",
    `${engine.model.label} is not where it was put: ${why}`,
    "Compare `tandem doctor` with the driver's own list; look for CUDA_VISIBLE_DEVICES in a wrapper script, and at what a container was given",
  );
}
