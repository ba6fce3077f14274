import { createHash } from "node:crypto";
import { wasmPath } from "../../server/assets.ts";
import type { EvalTask } from "../../server/core/eval/task.ts";
import { slice } from "../../server/core/text.ts";
import { createSyntax } from "../../server/syntax/treeSitter.ts";
import type { FakeOptions } from "./openaiServer.ts";

/** How good a scripted model is. Shares from 0 to 1; which tasks they fall on is fixed by their names and the model's. */
export interface Skill {
  readonly name: string;
  /** Of the tasks it solves at once; of the others it writes a wrong solution. */
  readonly solves: number;
  /** Of its wrong solutions that it mends when a reviewer names a line. */
  readonly mends: number;
  /** As an auditor: of the wrong lines it sees that it flags, and of right parts that it flags all the same. */
  readonly finds: number;
  readonly alarms: number;
}

type Asked = Parameters<FakeOptions["reply"]>[0];

/** What it answers to one request, told by the words of the request alone. */
export async function scriptedModel(tasks: readonly EvalTask[], skill: Skill): Promise<(it: Asked) => string> {
  const scripts = await Promise.all(
    tasks.map(async (task) => ({
      task,
      // As it stands in prompts, where line breaks may be others.
      words: squeezed(task.instruction),
      right: await draftOf(task, task.reference),
      wrong: await Promise.all(task.wrong.map((it) => draftOf(task, it.text))),
    })),
  );
  return ({ body, prompt }) => {
    const squeezedPrompt = squeezed(prompt);
    const script = scripts.find((it) => squeezedPrompt.includes(it.words));
    if (!script) return "I do not know this task.";
    const messages = (body.messages ?? []).map((it) => it.content ?? "");
    if (/review code/i.test(messages[0] ?? "")) return verdict(script, messages, skill);
    const isRight = chance(skill.name, script.task.id, "solves") < skill.solves;
    const isMended =
      /reviewer says/.test(messages.at(-1) ?? "") && chance(skill.name, script.task.id, "mends") < skill.mends;
    const nth = Math.floor(chance(skill.name, script.task.id, "which") * script.wrong.length);
    return `\`\`\`${script.task.language}\n${isRight || isMended ? script.right : script.wrong[nth]}\n\`\`\``;
  };
}

interface Script {
  readonly task: EvalTask;
  readonly right: string;
}

/** Knows a right solution: lines that are not in it are suspicious, and so are lines of it that are missing once all is there. */
function verdict({ task, right }: Script, messages: readonly string[], skill: Skill): string {
  const newest = messages.at(-1) ?? "";
  const isAll = /^That was the whole draft|This is the whole draft/m.test(newest);
  const [known, all] = [new Set(right.split("\n").map((it) => it.trim())), messages.flatMap(linesIn)];
  const lines = /^That was/m.test(newest) ? all : linesIn(newest);
  if (lines.length === 0) return "It is wrong there: the tests would show it.";
  const written = new Set(all.map((it) => it.text));
  const strange = lines.find((it) => it.text !== "" && !known.has(it.text));
  const isShort = isAll && [...known].some((it) => !written.has(it) && it !== "");
  const of = `${task.id} ${lines[0]?.line}`;
  const isFlagged =
    strange || isShort
      ? chance(skill.name, of, "finds") < skill.finds
      : chance(skill.name, of, "alarms") < skill.alarms;
  if (!isFlagged) return '{"ok":true}';
  const line = strange?.line ?? lines.at(-1)?.line ?? 1;
  return `{"ok":false,"line":${line},"severity":"error","why":"this does not do what was asked"}`;
}

function linesIn(message: string): { readonly line: number; readonly text: string }[] {
  return [...message.matchAll(/^(\d+)\| ?(.*)$/gm)].map((it) => ({ line: Number(it[1]), text: (it[2] ?? "").trim() }));
}

/** What a model would write: the declaration that is asked for, with whatever helpers stand behind it. */
export async function draftOf({ language, target }: EvalTask, text: string): Promise<string> {
  const outline = await syntax.outline(text, language);
  const found = outline.declarations.find((it) => it.name === target);
  if (!found) throw new Error(`${target} is not declared`);
  if (found.depth > 0) return slice(text, found.range);
  const last = text.split("\n");
  return slice(text, {
    start: found.range.start,
    end: { line: last.length - 1, character: last.at(-1)?.length ?? 0 },
  }).trimEnd();
}

const syntax = createSyntax({ wasmPath });

/** The same number in [0, 1) for the same words. */
export function chance(...words: readonly string[]): number {
  return createHash("sha256").update(words.join("\0")).digest().readUInt32BE(0) / 2 ** 32;
}

function squeezed(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
