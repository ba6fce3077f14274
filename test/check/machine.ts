import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { FIELDS } from "../../server/gpu/nvidiaRow.ts";
import type { Command } from "../../server/gpu/tool.ts";

const run = promisify(execFile);

/** What the steps of the check work with. */
export interface Machine {
  /** nvidia-smi, asked directly and once: what Tandem says is compared with it. */
  readonly tool: Command;
  /** For every process of the check: where nvidia-smi and the state are. */
  readonly env: Readonly<Record<string, string>>;
  /** Path of a llama-server that can use the GPU; null: the embedded engine's builds are used. */
  readonly llamaServer: string | null;
  readonly modelPath: string;
  readonly folder: string;
  readonly isFake: boolean;
}

/** What `tandem estimate` is asked, as the steps load: one slot, wholly on the card, in the engine that is there. */
export function estimateFlags({ llamaServer }: Machine, contextTokens: number, kv: string): string[] {
  const backend = llamaServer === null ? "embedded" : "llama-server";
  const plan = ["--gpu-layers", "all", "--flash-attn", "on", "--slots", "1", "--backend", backend, "--json"];
  return ["--ctx", String(contextTokens), "--kv", kv, ...plan];
}

/** A card as nvidia-smi prints it, read here without any of Tandem's parsing. */
export interface PlainCard {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  readonly totalMebibytes: number;
  readonly usedMebibytes: number;
  readonly celsius: number;
}

/** By the very fields that Tandem asks for, so that the fake and the real tool are asked the same. */
export async function plainCards(tool: Command): Promise<PlainCard[]> {
  const [program, ...args] = tool;
  const { stdout } = await run(program, [...args, `--query-gpu=${FIELDS.join(",")}`, "--format=csv,noheader,nounits"]);
  return stdout
    .split("\n")
    .map((it) => it.trim())
    .filter((it) => it !== "")
    .map((line) => {
      const cells = line.split(", ");
      const cell = (field: string) => cells[FIELDS.indexOf(field)] ?? "";
      const number = (field: string) => Number(cell(field));
      return {
        index: number("index"),
        uuid: cell("uuid"),
        name: cell("name"),
        totalMebibytes: number("memory.total"),
        usedMebibytes: number("memory.used"),
        celsius: number("temperature.gpu"),
      };
    });
}

export interface PlainProcess {
  readonly uuid: string;
  readonly pid: number;
  /** Null: the driver hides it. */
  readonly bytes: number | null;
}

export async function plainProcesses(tool: Command): Promise<PlainProcess[]> {
  const [program, ...args] = tool;
  const asked = "--query-compute-apps=gpu_uuid,pid,used_memory,process_name";
  const { stdout } = await run(program, [...args, asked, "--format=csv,noheader,nounits"]);
  return stdout.split("\n").flatMap((line) => {
    const [uuid = "", pid = "", used = ""] = line.split(", ");
    if (!/^\d+$/.test(pid)) return [];
    return [{ uuid, pid: Number(pid), bytes: /^\d+$/.test(used) ? Number(used) * 1024 ** 2 : null }];
  });
}
