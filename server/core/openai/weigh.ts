import type { ChatParams, CompleteParams, ConversationMessage } from "../../protocol/openai.ts";
import type { Action, Tier } from "../../protocol/run.ts";
import type { Settings } from "../../protocol/settings.ts";
import { classify } from "../classify.ts";
import { estimateTokens } from "../prompt.ts";
import { bodyTexts } from "../promptTexts.ts";

/** What routing has to know of a request. */
export interface Weighed {
  readonly task: {
    readonly action: Action | null;
    readonly tier: Tier;
    readonly confidence: number | null;
    readonly why: string;
  };
  /** Estimates, for a comparison of engines. */
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** What it is to be read, as `promptTexts` has it. */
  readonly texts: readonly string[];
  /** The model that a rule of the user's names; null: as routing finds best. */
  readonly ruled: string | null;
}

/** What of a user's settings counts. */
export type Weighing = Pick<Settings, "maxTokens" | "rules">;

/** A chat is as heavy as what its last user asks for, and the code it is asked about. */
export function weighChat(params: ChatParams, { maxTokens, rules }: Weighing): Weighed {
  const asking = params.messages.findLast((it) => it.role === "user");
  const said = asking ? textOf(asking) : "";
  const { prose, codeLines } = withoutCode(said);
  const asked = { action: null, instruction: prose, targetLines: codeLines, errorCount: 0, rules };
  const { action, tier, confidence, why, model } = classify(asked);
  const limit = params.max_completion_tokens ?? params.max_tokens ?? maxTokens;
  return {
    task: { action, tier, confidence, why },
    promptTokens: estimateTokens(params.messages.map(textOf).join("\n")),
    outputTokens: Math.min(limit, maxTokens),
    texts: bodyTexts(params),
    ruled: model,
  };
}

/** Text to continue says nothing of how heavy it is: it goes to a model that is meant for drafting. */
export function weighComplete(params: CompleteParams, { maxTokens }: Weighing): Weighed {
  const prompts = [params.prompt].flat(2);
  const texts = prompts.filter((it) => typeof it === "string");
  return {
    task: { action: null, tier: "moderate", confidence: null, why: "text is to be continued" },
    promptTokens: estimateTokens(texts.join("\n")) + (prompts.length - texts.length),
    outputTokens: Math.min(params.max_tokens ?? maxTokens, maxTokens),
    texts: bodyTexts(params),
    ruled: null,
  };
}

function textOf({ content }: ConversationMessage): string {
  return typeof content === "string" ? content : (content ?? []).map((it) => it.text ?? "").join("\n");
}

/** Code stands between fences, before or after what is said about it. */
function withoutCode(text: string): { prose: string; codeLines: number } {
  const prose: string[] = [];
  let codeLines = 0;
  let isCode = false;
  for (const line of text.split("\n")) {
    if (/^\s*(```|~~~)/.test(line)) isCode = !isCode;
    else if (isCode) codeLines++;
    else if (line.trim() !== "") prose.push(line);
  }
  return { prose: prose.join("\n"), codeLines };
}
