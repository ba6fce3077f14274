import { spawn } from "node:child_process";
import { plainEnv } from "./looped.ts";
import type { Command } from "./tool.ts";

/** What a program left behind. */
export interface Printed {
  /** Null: it could not be started, or was ended. */
  readonly code: number | null;
  readonly out: string;
  readonly said: string;
}

const MOST_CHARS = 200_000;

/** What a program prints. One that cannot be ended, since it waits in the kernel, is left behind. */
export async function printed([program, ...args]: Command, enough: AbortSignal): Promise<Printed | "silent"> {
  const { promise, resolve } = Promise.withResolvers<Printed | "silent">();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], windowsHide: true, env: plainEnv() });
  let out = "";
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out = (out + text).slice(0, MOST_CHARS)));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(0, MOST_CHARS)));
  child.on("error", (error) => resolve({ code: null, out: "", said: error.message }));
  child.on("close", (code) => resolve({ code, out, said }));
  const giveUp = () => resolve("silent");
  enough.addEventListener("abort", giveUp);
  if (enough.aborted) giveUp();
  const answer = await promise;
  enough.removeEventListener("abort", giveUp);
  if (answer === "silent") {
    child.kill("SIGKILL");
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
  }
  return answer;
}
