import { applied, keepDoc, objection, syntaxFindings, toEdit } from "../core/accept.ts";
import type { Companion, DraftJob, Placement } from "../core/prompt.ts";
import type { Task } from "../core/task.ts";
import type { FileEdit } from "../protocol/source.ts";
import type { Emit } from "../slot/state.ts";
import type { RunDeps } from "./deps.ts";
import type { Written } from "./write.ts";

/** Whether a draft can be offered. */
export type Inspected =
  | { readonly kind: "usable"; readonly edit: FileEdit | null }
  | { readonly kind: "unusable"; readonly why: string };

export interface InspectInput {
  readonly task: Task;
  readonly companion: Companion | null;
  readonly deps: Pick<RunDeps, "syntax">;
  readonly emit: Emit;
}

/** An edit must parse and be what was asked for, an answer must say something. */
export async function inspect(input: InspectInput, { place }: DraftJob, written: Written): Promise<Inspected> {
  if (place) return await inspectEdit(input, place, written);
  const isEmpty = written.written.trim() === "";
  return isEmpty ? { kind: "unusable", why: "the model wrote nothing" } : { kind: "usable", edit: null };
}

async function inspectEdit(input: InspectInput, at: Placement, written: Written): Promise<Inspected> {
  const { task, companion, deps, emit } = input;
  const place = keepDoc(task, at, written.draft);
  const isOwnFile = place.uri === task.document?.uri;
  const edit = { ...toEdit(place, written.draft), ...(isOwnFile ? {} : { base: place.text }) };
  const before = isOwnFile ? task.outline : await deps.syntax.outline(place.text, place.languageId);
  const after = await deps.syntax.outline(applied(place, edit), place.languageId);
  const judged = { task, place, companion, edit, written: written.written, before, after, isCutOff: written.isCutOff };
  const why = objection(judged);
  if (why === null) return { kind: "usable", edit };
  for (const finding of syntaxFindings(judged)) emit({ kind: "finding", finding });
  return { kind: "unusable", why };
}
