import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { freePort } from "../../server/platform/freePort.ts";

const LOAD_MS = 120_000;
const MAX_LINES = 40;

/** What a llama-server says that it has allocated, in MiB as it rounds them. A kind that it does not name takes nothing. */
export interface Buffers {
  readonly model: number;
  readonly KV: number;
  /** Of recurrent layers. */
  readonly RS: number;
  readonly compute: number;
  readonly output: number;
}

/** Lets a real llama-server load a model as far as its buffers go, on the processor, and ends it. */
export async function measureBuffers(
  program: string,
  { model, args }: { readonly model: string; readonly args: readonly string[] },
  signal: AbortSignal,
): Promise<Buffers> {
  const listen = ["--host", "127.0.0.1", "--port", String(await freePort())];
  // One pass only, and weights as they are in the file.
  const plain = ["--fit", "off", "--no-repack", "--no-warmup", "--n-gpu-layers", "0", "--threads", "1", "--verbose"];
  const child = spawn(program, ["--model", model, ...listen, ...plain, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    signal: AbortSignal.any([signal, AbortSignal.timeout(LOAD_MS)]),
    killSignal: "SIGKILL",
  });
  const closed = once(child, "close");
  const buffers = { model: 0, KV: 0, RS: 0, compute: 0, output: 0 };
  const said: string[] = [];
  let isDone = false;
  for (const stream of [child.stdout, child.stderr])
    createInterface(stream).on("line", (line) => {
      said.push(line);
      if (said.length > MAX_LINES) said.shift();
      const [, kind, mebibytes] = /\s(model|KV|RS|compute|output) +buffer size = +([\d.]+) MiB/.exec(line) ?? [];
      if (kind !== undefined && isKind(kind, buffers)) buffers[kind] += Number(mebibytes);
      // Said after all of them.
      if (!line.includes("reserve took")) return;
      isDone = true;
      child.kill("SIGKILL");
    });
  await closed;
  if (!isDone) throw new Error(`llama-server loaded nothing:\n${said.join("\n")}`);
  return buffers;
}

function isKind<Kinds extends object>(kind: PropertyKey, kinds: Kinds): kind is keyof Kinds {
  return kind in kinds;
}
