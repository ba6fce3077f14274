import { randomBytes } from "node:crypto";
import type { Calibration } from "../calibration/calibration.ts";
import type { LocalSource, VllmSource } from "../core/assign.ts";
import type { Hardware } from "../core/choose.ts";
import { DRIVER_BYTES, estimate } from "../core/estimate.ts";
import type { Need, Option } from "../core/govern/loadable.ts";
import type { CatalogueEntry } from "../models/catalogue.ts";
import type { Clock, Engine, Log, ModelFile } from "../ports.ts";
import { besideOf } from "./beside.ts";
import { type LocalNeeds, localNeeds } from "./local.ts";
import { createShapes } from "./shape.ts";
import { type VllmNeeds, vllmNeeds } from "./vllm.ts";

/** What models take of this machine's memory, and what they were found to take. */
export interface Needs {
  local(source: LocalSource, file: ModelFile, given: NeedsGiven): Promise<LocalNeeds>;
  /** Throws TandemError where no card can hold it. */
  vllm(source: VllmSource, given: Pick<NeedsGiven, "hardware" | "signal">): Promise<VllmNeeds>;
  /** Opens the engine, and remembers what it took. */
  measured(needs: LocalNeeds, option: Option, open: () => Promise<Engine>): Promise<Engine>;
}

export interface NeedsGiven {
  readonly hardware: Hardware;
  readonly catalogue: readonly CatalogueEntry[];
  readonly signal: AbortSignal;
}

export interface NeedsDeps {
  readonly calibration: Calibration;
  readonly clock: Clock;
  readonly log: Log;
  /** Of the GPU with this uuid, kept free of models. */
  readonly reserveBytes: (uuid: string) => number;
  /**
   * Calls back with what the driver says that a process holds of each GPU, soon after it was loaded and when it is more than before, as
   * long as the process is there. Never where no driver tells.
   */
  readonly follow: (pid: number, onSeen: (held: readonly Need[]) => void) => void;
}

export function createNeeds(deps: NeedsDeps): Needs {
  const shapeOf = createShapes();
  return {
    async local(source, file, { hardware, catalogue, signal }) {
      const { extraArguments } = source.options;
      const [shape, beside, learnt] = await Promise.all([
        shapeOf(file.path, signal),
        besideOf(extraArguments, shapeOf, signal),
        deps.calibration.learnt(),
      ]);
      return localNeeds({ source, file, shape, beside, hardware, catalogue, learnt, reserveBytes: deps.reserveBytes });
    },
    vllm: (source, { hardware, signal }) =>
      vllmNeeds(source, { gpus: hardware.gpus, reserveBytes: deps.reserveBytes }, signal),
    async measured(needs, option, open) {
      const startedMs = deps.clock.nowMs();
      const engine = await open();
      watch({ needs, option, engine, tookMs: deps.clock.nowMs() - startedMs }, deps);
      return engine;
    },
  };
}

interface Load {
  readonly needs: LocalNeeds;
  readonly option: Option;
  readonly engine: Engine;
  readonly tookMs: number;
}

/** What the engine says is noted at once, what the driver sees when it does; nobody waits for either. */
function watch(load: Load, { calibration, follow, log }: NeedsDeps): void {
  const estimated = estimatedBy(load);
  if (estimated === null) return;
  const { needs, option, engine, tookMs } = load;
  const plan = needs.planOf(option);
  if (plan === null) return;
  const life = randomBytes(4).toString("hex");
  const note = (held: readonly Need[], by: "driver" | "engine") => {
    const devices = held.flatMap(({ device, bytes }) => {
      const estimatedBytes = estimated.get(device) ?? 0;
      return estimatedBytes > 0 && bytes > 0 ? [{ device, estimatedBytes, measuredBytes: bytes, by }] : [];
    });
    // A model that should be on a GPU and is nowhere there says nothing about what it would take of it.
    if (plan.gpus.some((gpu) => !devices.some((it) => it.device === gpu.id))) return;
    for (const it of devices) log.info("memory measured", { model: engine.model.id, ...it });
    const of = { file: needs.shape.file, plan, backend: needs.backend };
    void calibration.note({ life, of, option: option.id, tookMs, devices }); // it never fails
  };
  if (engine.held !== null) note(withDriver(engine.held), "engine");
  if (engine.pid !== null && plan.gpus.length > 0) follow(engine.pid, (held) => note(held, "driver"));
}

function estimatedBy({ needs, option }: Load): ReadonlyMap<string, number> | null {
  const plan = needs.planOf(option);
  const { model } = needs.shape;
  if (plan === null || model === null) return null;
  const { draft, bytes } = needs.beside;
  const holder = plan.gpus.at(-1)?.id ?? "cpu";
  return new Map(
    estimate(model, plan, draft?.model ?? null).devices.map((it) => [
      it.device,
      it.totalBytes + (it.device === holder ? bytes : 0),
    ]),
  );
}

/** Engines count their own buffers; what the driver takes for their process comes to that. */
function withDriver(held: readonly Need[]): readonly Need[] {
  return held.map((it) => (it.device === "cpu" || it.bytes === 0 ? it : { ...it, bytes: it.bytes + DRIVER_BYTES }));
}
