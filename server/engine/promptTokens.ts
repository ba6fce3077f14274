import type { ChatHistoryItem, ChatWrapper, LlamaModel, Token } from "node-llama-cpp";
import type { ChatMessage } from "../ports.ts";
import type { WireRequest } from "./wire.ts";

/** A prompt as the model reads it. */
export interface PromptTokens {
  readonly tokens: readonly Token[];
  /** Texts with which the chat template ends a turn, besides the model's own end tokens. */
  readonly stops: readonly string[];
  /** The chat template has begun the model's thoughts for it: it writes their end only. */
  readonly isThinking: boolean;
}

/** The model's own chat template decides what a chat looks like; `text` is continued as it stands. */
export function promptTokens(
  prompt: WireRequest["prompt"],
  given: { model: LlamaModel; chatWrapper: ChatWrapper },
): PromptTokens {
  const { model, chatWrapper } = given;
  if (prompt.kind === "text")
    return { tokens: withBos(model.tokenize(prompt.text), model), stops: [], isThinking: false };
  const chatHistory = prompt.messages.map(historyItem);
  // An open turn of the model: what it is to write goes on from here.
  if (chatHistory.at(-1)?.type !== "model") chatHistory.push({ type: "model", response: [] });
  const { contextText, stopGenerationTriggers } = chatWrapper.generateContextState({ chatHistory });
  const stops = stopGenerationTriggers
    .map((trigger) => trigger.values.map((value) => (typeof value === "string" ? value : "")).join(""))
    .filter((stop) => stop !== "");
  const isThinking = /<think>\s*$/.test(contextText.toString());
  return { tokens: withBos(contextText.tokenize(model.tokenizer), model), stops, isThinking };
}

function historyItem({ role, content }: ChatMessage): ChatHistoryItem {
  switch (role) {
    case "system":
      return { type: "system", text: content };
    case "user":
      return { type: "user", text: content };
    case "assistant":
      return { type: "model", response: [content] };
  }
}

/** Exactly one token for the beginning of the text, where the model was trained with one. */
function withBos(tokens: readonly Token[], model: LlamaModel): readonly Token[] {
  const { bos, shouldPrependBosToken } = model.tokens;
  return bos !== null && shouldPrependBosToken && tokens[0] !== bos ? [bos, ...tokens] : tokens;
}
