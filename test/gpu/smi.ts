import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "../../server/gpu/tool.ts";
import type { Script } from "../fakes/nvidiaSmi.ts";

const GiB = 1024;

/** A GeForce RTX 3090 as its driver describes it, changed by `changes`. */
export function card(index: number, changes: Readonly<Record<string, string>> = {}): string[] {
  const fields = {
    index: String(index),
    uuid: `GPU-0000000${index}-1111-2222-3333-444444444444`,
    name: "NVIDIA GeForce RTX 3090",
    "memory.total": String(24 * GiB),
    "memory.used": "5120",
    "memory.free": String(19 * GiB),
    "utilization.gpu": "37",
    "temperature.gpu": "54",
    "power.draw": "121.50",
    "power.limit": "350.00",
    "clocks.sm": "1695",
    "clocks.mem": "9501",
    "clocks_throttle_reasons.active": "0x0000000000000001",
    compute_cap: "8.6",
    driver_version: "550.54.14",
    "mig.mode.current": "[N/A]",
    "pci.bus_id": `00000000:0${index + 1}:00.0`,
    ...changes,
  };
  return Object.entries(fields).map(([name, value]) => `${name}=${value}`);
}

export interface FakeSmi extends Disposable {
  readonly tool: Command;
  /** Each start of the tool, in order. */
  starts(): readonly { readonly pid: number; readonly asked: string }[];
  /** What it does from its next list on; one that hangs or floods, from its next start on. */
  become(script: Omit<Script, "startsPath">): void;
}

/** Puts the fake into `folder` as a program called `nvidia-smi`, for who looks for it in PATH. Not for Windows. */
export function installSmi(smi: FakeSmi, folder: string): void {
  const quoted = smi.tool.map((it) => `'${it}'`).join(" ");
  writeFileSync(join(folder, "nvidia-smi"), `#!/bin/sh\nexec ${quoted} "$@"\n`, { mode: 0o755 });
}

/** A fake nvidia-smi that goes by `script`. */
export function fakeSmi(script: Omit<Script, "startsPath">): FakeSmi {
  const folder = mkdtempSync(join(tmpdir(), "tandem-smi-"));
  const startsPath = join(folder, "starts");
  const path = join(folder, "script.json");
  const become = (next: Omit<Script, "startsPath">) => {
    writeFileSync(`${path}.next`, JSON.stringify({ ...next, startsPath }));
    renameSync(`${path}.next`, path); // at once: the fake reads it at any moment
  };
  writeFileSync(startsPath, "");
  become(script);
  return {
    tool: [process.execPath, join(import.meta.dirname, "../fakes/nvidiaSmi.ts"), path],
    become,
    starts: () =>
      readFileSync(startsPath, "utf8")
        .split("\n")
        .flatMap((it) => (it === "" ? [] : [JSON.parse(it) as { pid: number; asked: string }])),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
