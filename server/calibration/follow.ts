import type { Need } from "../core/govern/loadable.ts";
import type { GpuProcess } from "../core/telemetry.ts";

/** What tells of GPUs, as far as it is needed here. */
export interface Readings {
  now(): {
    readonly gpus: readonly {
      readonly reading: { readonly uuid: string; readonly processes: readonly GpuProcess[] | null };
    }[];
  };
  /** Calls after each report. */
  listen(listener: () => void): Disposable;
}

/** More than this beside what was told last is told again: buffers of the first requests are allocated with them. */
const GROWN = 1.01;
/** What a process takes is told so often in its life. */
const MOST_TOLD = 5;
/** Reports without a process that was seen, or is awaited, after which it is not looked for any more. */
const MOST_MISSED = 120;

/** Watches what processes hold of GPUs, each as long as it is there. */
export function createFollow(readings: Readings): (pid: number, onSeen: (held: readonly Need[]) => void) => void {
  return (pid, onSeen) => {
    let toldBytes = 0;
    let told = 0;
    let missed = 0;
    const listening = readings.listen(() => {
      const held = heldBy(pid, readings.now().gpus);
      const bytes = held.reduce((sum, it) => sum + it.bytes, 0);
      missed = bytes > 0 ? 0 : missed + 1;
      if (bytes > toldBytes * GROWN) {
        toldBytes = bytes;
        told++;
        onSeen(held);
      }
      if (told >= MOST_TOLD || missed >= MOST_MISSED) listening[Symbol.dispose]();
    });
  };
}

function heldBy(pid: number, gpus: ReturnType<Readings["now"]>["gpus"]): readonly Need[] {
  return gpus.flatMap(({ reading }) => {
    const bytes = (reading.processes ?? [])
      .filter((it) => it.pid === pid)
      .reduce((sum, it) => sum + (it.bytes ?? 0), 0);
    return bytes > 0 ? [{ device: reading.uuid, bytes }] : [];
  });
}
