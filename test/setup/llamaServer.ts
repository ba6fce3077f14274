import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../../server/platform/freePort.ts";
import { ensureLlamaServer } from "./llamaBuild.ts";
import { ensureTinyLlama } from "./tinyllama.ts";

const START_MS = 60_000;
const POLL_MS = 50;
/** llama-server finishes what it writes before it heeds a SIGTERM. */
const LEAVE_MS = 2_000;
const MAX_OUTPUT_CHARS = 4_000;

/** A real llama-server with the small model: one thread, two slots of 1,024 tokens. */
export interface LlamaServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly contextTokens: number;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
}

/** Builds the server and fetches the model where they are not in the cache, starts it, and waits until it answers. */
export async function startLlamaServer(signal: AbortSignal): Promise<LlamaServer> {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const path = await ensureLlamaServer(say, signal);
  const model = await ensureTinyLlama(say, signal);
  const port = await freePort();
  const args = ["--model", model.path, "--alias", model.model.id, "--host", "127.0.0.1", "--port", String(port)];
  const sizes = ["--threads", "1", "--poll", "0", "--ctx-size", "2048", "--parallel", "2", "--no-kv-unified"];
  // It heeds a cancellation between two batches only.
  const steps = ["--batch-size", "128"];
  const child = spawn(path, [...args, ...sizes, ...steps], { stdio: ["ignore", "ignore", "pipe"] });
  const url = `http://127.0.0.1:${port}`;
  const [closed, output] = [once(child, "close"), lastOutput(child)];
  const kill = async () => {
    child.kill("SIGKILL");
    await closed;
  };
  try {
    await isHealthy(url, child, AbortSignal.any([signal, AbortSignal.timeout(START_MS)]));
  } catch (cause) {
    await kill();
    throw new Error(`llama-server did not start:\n${output()}`, { cause });
  }
  return { url, contextTokens: 1_024, kill, [Symbol.asyncDispose]: () => leave(child, closed) };
}

async function isHealthy(url: string, child: ChildProcess, signal: AbortSignal): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const isUp = await fetch(`${url}/health`, { signal }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    await wait(POLL_MS, undefined, { signal });
  }
  throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
}

async function leave(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), LEAVE_MS);
  await closed;
  clearTimeout(timer);
}

function lastOutput(child: ChildProcess): () => string {
  let output = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output = (output + text).slice(-MAX_OUTPUT_CHARS);
  });
  return () => output;
}
