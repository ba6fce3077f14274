import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { card, fakeSmi, installSmi } from "../gpu/smi.ts";
import { modelShapes } from "../setup/modelShapes.ts";
import { writeSparseModel } from "../setup/sparseModel.ts";
import type { Machine } from "./machine.ts";

/** A machine with one card that is not there, a llama-server that computes nothing, and a model without weights. */
export async function fakeMachine(folder: string): Promise<Machine & Disposable> {
  const bin = join(folder, "bin");
  const holdersPath = join(folder, "holders");
  for (const it of [bin, holdersPath]) mkdirSync(it, { recursive: true });
  const idle = { "memory.used": "400", "memory.free": "24176", "utilization.gpu": "0" };
  const smi = fakeSmi({ cards: [card(0, idle)], holdersPath });
  installSmi(smi, bin);
  const llamaServer = join(bin, "llama-server");
  const program = join(import.meta.dirname, "fakeLlama.ts");
  writeFileSync(llamaServer, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, { mode: 0o755 });
  const modelPath = join(folder, "shape-of-7b.gguf");
  await writeSparseModel(modelPath, modelShapes.qwen7b);
  const env = {
    PATH: [bin, process.env.PATH ?? ""].join(delimiter),
    TANDEM_GPU_PERIOD_MS: "200",
    TANDEM_CACHE: join(folder, "cache"),
    FAKE_HOLDERS: holdersPath,
  };
  const dispose = () => smi[Symbol.dispose]();
  return { tool: smi.tool, env, llamaServer, modelPath, folder, isFake: true, [Symbol.dispose]: dispose };
}
