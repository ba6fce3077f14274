import assert from "node:assert/strict";
import { test } from "node:test";
import { wasmPath } from "../../server/assets.ts";
import { applied, keepDoc, objection, toEdit } from "../../server/core/accept.ts";
import { createExtractor } from "../../server/core/extract.ts";
import type { Companion, DraftJob } from "../../server/core/prompt.ts";
import { draftJob } from "../../server/core/prompts/job.ts";
import type { Refusal } from "../../server/core/refusal.ts";
import { type Task, understand } from "../../server/core/task.ts";
import { positionAt } from "../../server/core/text.ts";
import type { ModelInfo, PromptStyle } from "../../server/protocol/models.ts";
import { type Action, RunParams } from "../../server/protocol/run.ts";
import { createSyntax } from "../../server/syntax/treeSitter.ts";

export const syntax = createSyntax({ wasmPath });

export interface Case {
  readonly name: string;
  readonly language: string;
  readonly action: Action;
  readonly instruction?: string;
  /** `‸` is the cursor, `«…»` a selection; neither: found from the instruction. */
  readonly text: string;
  readonly companion?: Companion;
  /** What a completion model writes behind its prompt. */
  readonly completion?: string;
  /** What a chat model answers. */
  readonly chat?: string;
  /** The whole file afterwards, whichever model wrote. */
  readonly want: string;
}

/** A model's answer ends up in the file as a developer expects it, with either line break, and nothing objects. */
export function check(it: Case): void {
  for (const style of ["completion", "chat"] as const) {
    const answer = it[style];
    if (answer !== undefined)
      test(`${it.language}, ${it.action}, ${style}: ${it.name}`, () => checkAnswer(it, style, answer));
  }
}

async function checkAnswer(it: Case, style: PromptStyle, answer: string): Promise<void> {
  const { companion, ...rest } = it;
  const old = companion?.text ?? null;
  for (const lineBreak of ["\n", "\r\n"]) {
    const broken = (text: string) => text.replaceAll("\n", lineBreak);
    const request = { ...rest, style, text: broken(it.text), answer };
    const withTests = companion && { companion: { ...companion, text: old === null ? null : broken(old) } };
    const result = await place({ ...request, ...withTests });
    // A new file has no line breaks of its own yet, nor has one of a single line.
    const isWithout = companion ? old === null : !it.text.includes("\n");
    assert.equal(result.text, isWithout ? it.want : broken(it.want));
    assert.equal(result.objection, null);
  }
}

export type Request = Pick<Case, "language" | "action" | "instruction" | "text" | "companion"> & {
  readonly style: PromptStyle;
};

/** A chat model's answer: the code in a fence, and prose around it. */
export function fenced(code: string, language = ""): string {
  return `Sure! Here it is:\n\n\`\`\`${language}\n${code}\n\`\`\`\nHope this helps.\n`;
}

export interface Placed {
  readonly task: Task;
  readonly job: DraftJob;
  readonly text: string;
  readonly objection: string | null;
}

export async function place(it: Request & { readonly answer: string }): Promise<Placed> {
  const job = await ask(it);
  assert.equal(job.made.kind, "job", JSON.stringify(job.made));
  if (job.made.kind !== "job") throw new Error("refused");
  const { task } = job;
  const { lead, tail, extraction, place: at } = job.made;
  assert.ok(at);
  const written = extract(extraction, until(it.answer, job.made.stop));
  const draft = written === "" ? "" : lead + written + tail;
  const kept = keepDoc(task, at, draft);
  const edit = toEdit(kept, draft);
  const text = applied(kept, edit);
  const [before, after] = await Promise.all([
    syntax.outline(kept.text, kept.languageId),
    syntax.outline(text, kept.languageId),
  ]);
  const judged = { task, place: kept, companion: it.companion ?? null, edit, written, before, after, isCutOff: false };
  return { task, job: job.made, text, objection: objection(judged) };
}

export async function ask(it: Request): Promise<{ readonly task: Task; readonly made: DraftJob | Refusal }> {
  const params = parse(it);
  const outline = await syntax.outline(params.document?.text ?? "", it.language);
  const task = understand(params, outline);
  assert.equal(task.kind, "task", JSON.stringify(task));
  if (task.kind !== "task") throw new Error("refused");
  return {
    task,
    made: draftJob(task, { model: modelOf(it.style), companion: it.companion ?? null, maxTokens: 2_048 }),
  };
}

/** The request that a text with marks stands for. */
export function parse(it: Pick<Request, "language" | "action" | "instruction" | "text">): RunParams {
  const [from, to] = [it.text.search(/[‸«]/), it.text.indexOf("»")];
  const text = it.text.replace(/[‸«»]/g, "");
  const start = positionAt(text, from);
  const end = to === -1 ? start : positionAt(text, to - 1);
  return RunParams.parse({
    action: it.action,
    instruction: it.instruction ?? "",
    document: { uri: "file:///project/a", languageId: it.language, text },
    ...(from === -1 ? {} : { range: { start, end } }),
  });
}

export function modelOf(promptStyle: PromptStyle): ModelInfo {
  const isTrial = promptStyle === "completion";
  return { id: "m", label: "M", parametersB: 7, quantisation: null, contextTokens: 8_192, promptStyle, isTrial };
}

/** Whole, and in pieces of every small size; the outcome must be the same. */
export function extract(extraction: DraftJob["extraction"], raw: string): string {
  const inPieces = (size: number) => {
    const extractor = createExtractor(extraction);
    let out = "";
    for (let at = 0; at < raw.length && !extractor.isComplete; at += size)
      out += extractor.push(raw.slice(at, at + size));
    return out + extractor.finish();
  };
  const whole = inPieces(Math.max(1, raw.length));
  for (const size of [1, 2, 3, 5, 8]) assert.equal(inPieces(size), whole, `pieces of ${size}`);
  return whole;
}

/** Engines end before a stop text. */
function until(answer: string, stop: readonly string[]): string {
  const ends = stop.map((it) => answer.indexOf(it)).filter((it) => it !== -1);
  return ends.length === 0 ? answer : answer.slice(0, Math.min(...ends));
}

/** A test file beside the code; `text` is null when there is none yet. */
export function testsIn(languageId: "typescript" | "python", text: string | null): Companion {
  return languageId === "python"
    ? { uri: "file:///project/test_a.py", text, languageId, importPath: "a", framework: "pytest" }
    : { uri: "file:///project/a.test.ts", text, languageId, importPath: "./a.ts", framework: "node:test" };
}
