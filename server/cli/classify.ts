import type { Readable } from "node:stream";
import { z } from "zod";
import { shapeOf } from "../core/classify/tier.ts";
import { type Classification, classify } from "../core/classify.ts";
import { TandemError } from "../errors.ts";
import { linesOf } from "./lines.ts";
import type { Out } from "./printer.ts";

interface Flags {
  readonly jsonl?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** What is to be classified: one request from the command line, or one per line of stdin. */
export type Classifying =
  | { readonly kind: "one"; readonly instruction: string; readonly isJson: boolean }
  | { readonly kind: "lines" };

/** The user's settings that a classification depends on. */
type Rules = Parameters<typeof classify>[0]["rules"];

/** Characters of one line of stdin; what is longer is refused without being kept. */
const MOST_LINE = 1_000_000;

/** One request of `--jsonl`. Other keys are passed over, so that a file with expected answers can be given as it is. */
const Asked = z.object({ instruction: z.string(), code: z.string().optional(), language: z.string().optional() });

/** Throws TandemError bad-input. */
export function toClassifying(words: readonly string[], { jsonl, json }: Flags): Classifying {
  if (jsonl === true && words.length > 0)
    throw new TandemError(
      "bad-input",
      "`classify --jsonl` reads its requests from stdin",
      'Give either --jsonl, with one {"instruction": "…"} per line on stdin, or one request as words',
    );
  if (jsonl === true) return { kind: "lines" };
  const instruction = words.join(" ");
  if (instruction.trim() === "")
    throw new TandemError(
      "bad-input",
      "There is nothing to classify",
      'Say it: tandem classify "add tests for median"',
    );
  return { kind: "one", instruction, isJson: json === true };
}

/** Says what requests mean. Nothing is started for it, and no language model is asked. Resolves to the exit code. */
export async function showClassification(asked: Classifying, { out, input, rules }: Doors): Promise<number> {
  if (asked.kind === "lines") return classifyLines({ out, input, rules });
  const found = classify({
    action: null,
    instruction: asked.instruction,
    targetLines: 0,
    errorCount: 0,
    ...ruled(rules),
  });
  const sure = found.confidence === 1 ? "certain" : `${Math.min(99, Math.round(100 * found.confidence))} % sure`;
  out.write(
    asked.isJson
      ? `${JSON.stringify(answerOf(found))}\n`
      : `${found.action}, ${found.tier} (${sure})${found.model ? `, with ${found.model}` : ""}\n  ${found.why}\n`,
  );
  return 0;
}

export interface Doors {
  readonly out: Out;
  readonly input: Readable;
  readonly rules: Rules;
}

async function classifyLines({ out, input, rules }: Doors): Promise<number> {
  let exitCode = 0;
  let number = 0;
  for await (const line of linesOf(input, MOST_LINE)) {
    number++;
    if (line.trim() === "") continue;
    const answer = answerTo(line, rules);
    if ("error" in answer) exitCode = 1;
    const text = JSON.stringify("error" in answer ? { error: answer.error, line: number } : answer);
    if (!out.write(`${text}\n`)) await new Promise((resolve) => out.once("drain", resolve));
  }
  return exitCode;
}

function answerTo(line: string, rules: Rules): ReturnType<typeof answerOf> | { error: string } {
  if (line.length > MOST_LINE) return { error: `the line is longer than ${MOST_LINE} characters` };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { error: `this is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const asked = Asked.safeParse(value);
  if (!asked.success)
    return { error: asked.error.issues.map((it) => `${it.path.join(".") || "the line"}: ${it.message}`).join("; ") };
  const { instruction, code = "" } = asked.data;
  const { lines, nesting } = shapeOf(code);
  return answerOf(classify({ action: null, instruction, targetLines: lines, nesting, errorCount: 0, ...ruled(rules) }));
}

function answerOf({ action, tier, confidence, why, model }: Classification) {
  return { action, tier, confidence: Number(confidence.toFixed(4)), why, ...(model === null ? {} : { model }) };
}

function ruled(rules: Rules): { rules?: NonNullable<Rules> } {
  return rules ? { rules } : {};
}
