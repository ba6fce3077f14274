import type { DraftJob } from "../prompt.ts";
import { TEMPLATE_MARKS } from "./quoted.ts";

/** Characters that look alike and mean nothing to a chat template. */
const ALIKE: Readonly<Record<string, readonly string[]>> = {
  "<": ["‹", "˂", "﹤", "＜", "≺"],
  "[": ["⟦", "［", "〚", "⁅", "❲"],
};

/**
 * The same job without marks of chat templates in its messages, which many servers read as the end of a turn, wherever they stand: what
 * follows would be an instruction. Their first character is exchanged for one that the messages do not hold, and `unveil` changes it back
 * in what the model writes, so that code about such marks stays as it is.
 */
export function veil(job: DraftJob): DraftJob {
  const { prompt } = job;
  if (prompt.kind !== "chat") return job;
  const all = prompt.messages.map((it) => it.content).join("\n");
  const marks = new Set((all.match(TEMPLATE_MARKS) ?? []).map((it) => it.charAt(0)));
  if (marks.size === 0) return job;
  const back = new Map(Object.entries(job.unveil ?? {}));
  const known = new Map([...back].map(([veiled, real]) => [real, veiled]));
  const alike = new Map<string, string>();
  for (const mark of marks) {
    const found = known.get(mark) ?? ALIKE[mark]?.find((it) => !all.includes(it));
    // Whoever writes all of them at once is not spared a space, which is not changed back.
    alike.set(mark, found ?? `${mark} `);
    if (found !== undefined) back.set(found, mark);
  }
  const messages = prompt.messages.map((it) => ({
    ...it,
    content: it.content.replace(TEMPLATE_MARKS, (found) => (alike.get(found.charAt(0)) ?? "") + found.slice(1)),
  }));
  return { ...job, prompt: { ...prompt, messages }, unveil: Object.fromEntries(back) };
}

/** What the model wrote, as it is meant; in pieces of any size. */
export function unveiled({ unveil }: Pick<DraftJob, "unveil">, text: string): string {
  return unveil === undefined ? text : [...text].map((it) => unveil[it] ?? it).join("");
}
