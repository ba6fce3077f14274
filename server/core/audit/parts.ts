import { lexisOf } from "../brackets.ts";
import { createCutter, type Part } from "../cut.ts";
import { languageFacts } from "../language.ts";

/** A part shorter than this says too little: as small as they come where the auditor is fast. */
const LEAST_LINES = 4;

/** A draft that is there already, cut as it could be cut while it is written: small whole blocks, the hardest case for who judges parts. */
export function partsOf(draft: string, languageId: string): Part[] {
  const cutter = createCutter(lexisOf(languageFacts(languageId)));
  const parts: Part[] = [];
  for (const line of draft.split("\n")) {
    cutter.push(`${line}\n`);
    const { natural } = cutter.held;
    if (natural && natural.lines >= LEAST_LINES) parts.push(cutter.take(natural.lines));
  }
  cutter.finish();
  for (let { most } = cutter.held; most !== null; most = cutter.held.most) parts.push(cutter.take(most.lines));
  return parts;
}

/** All of it as one part. */
export function wholeOf(draft: string): Part {
  return { number: 1, fromLine: 1, toLine: draft.split("\n").length, text: draft, isWhole: true };
}
