import { TandemError } from "../errors.ts";
import { GenerateParams, type GenerateResult } from "../protocol/generate.ts";
import { generate } from "../protocol/requests.ts";
import type { RunEvent } from "../protocol/run.ts";
import type { Client } from "./client.ts";
import { wrongFlags } from "./flagIssue.ts";
import type { Out, Printer } from "./printer.ts";
import { seconds } from "./wording.ts";

/** Flags of `tandem generate`, as node:util's parseArgs wants them. */
export const GENERATE_FLAGS = {
  temperature: { type: "string" },
  "top-p": { type: "string" },
  "repeat-penalty": { type: "string" },
  seed: { type: "string" },
  stop: { type: "string", multiple: true },
  raw: { type: "boolean" },
  role: { type: "string" },
} as const;

export interface GenerateFlags {
  readonly temperature?: string | undefined;
  readonly "top-p"?: string | undefined;
  readonly "repeat-penalty"?: string | undefined;
  readonly seed?: string | undefined;
  readonly stop?: readonly string[] | undefined;
  readonly raw?: boolean | undefined;
  readonly role?: string | undefined;
  readonly "max-tokens"?: string | undefined;
}

/** The request the flags mean. Throws TandemError bad-input naming the one that is wrong. */
export function toGenerate(words: string, flags: GenerateFlags): GenerateParams {
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  const read = GenerateParams.safeParse({
    ...(flags.raw ? { prompt: words } : { messages: [{ role: "user", content: words }] }),
    role: flags.role,
    maxTokens: number(flags["max-tokens"]),
    temperature: number(flags.temperature),
    topP: number(flags["top-p"]),
    repeatPenalty: number(flags["repeat-penalty"]),
    seed: number(flags.seed),
    stop: flags.stop,
  });
  if (!read.success) throw wrongFlags(read.error, NAMES, "generate");
  if (words.trim() !== "") return read.data;
  throw new TandemError("bad-input", "No prompt was given", 'Say what to ask: tandem generate "What is a monad?"');
}

const NAMES: Readonly<Record<string, string>> = {
  role: "--role",
  maxTokens: "--max-tokens",
  temperature: "--temperature",
  topP: "--top-p",
  repeatPenalty: "--repeat-penalty",
  seed: "--seed",
  stop: "--stop",
};

export interface GenerateShown {
  readonly client: Client;
  readonly out: Out;
  /** For everything but the text. */
  readonly printer: Printer;
  readonly isJson: boolean;
}

/** The text alone on stdout as it comes, what it cost on stderr; with `--json` one event per line and then the result. */
export async function generateOnce(params: GenerateParams, shown: GenerateShown, signal: AbortSignal): Promise<void> {
  const { client, out, printer, isJson } = shown;
  let isLineOpen = false;
  const show = (event: RunEvent) => {
    // The last line says who answered; `tandem why` tells the rest.
    if (event.kind === "routed" && !isJson) return;
    if (isJson || event.kind !== "draft") return printer.event(event);
    out.write(event.text);
    isLineOpen = true;
  };
  let result: GenerateResult;
  try {
    result = await client.send(generate, params, show, signal);
  } catch (error) {
    // Why it broke off does not stand behind the text.
    if (isLineOpen) out.write("\n");
    throw error;
  }
  if (isJson) {
    out.write(`${JSON.stringify({ kind: "result", result })}\n`);
    return;
  }
  out.write("\n");
  const { tokensUsed, promptTokens, completionTokens, latencyMs, model, device } = result;
  process.stderr.write(
    `${tokensUsed} tokens (${promptTokens} read, ${completionTokens} written) in ${seconds(latencyMs)}, ${model.label} on ${device}\n`,
  );
}
