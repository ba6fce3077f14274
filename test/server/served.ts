import OpenAI from "openai";
import { type RunningCli, runCli, startCli } from "./cli.ts";

/** `tandem serve`, and the official client of OpenAI's API with its address and key. */
export interface Served {
  readonly cli: RunningCli;
  /** The process that serves, as the command says it. */
  readonly pid: number;
  readonly openai: OpenAI;
}

/** As a process of its own, on a port of the system's choice; it runs until it is killed. */
export async function startServing(options: {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly endpoint: string;
}): Promise<Served> {
  const { cwd, env, endpoint } = options;
  const cli = startCli(["serve", "--port", "0", "--endpoint", endpoint], { cwd, env });
  for await (const line of cli.lines) {
    const found = /Listening on (\S+) \(process (\d+)\)/.exec(line);
    if (!found) continue;
    const apiKey = (await runCli(["key"], { cwd, env })).stdout.trim();
    return { cli, pid: Number(found[2]), openai: new OpenAI({ baseURL: found[1], apiKey, maxRetries: 0 }) };
  }
  throw new Error((await cli.ended).stderr);
}
