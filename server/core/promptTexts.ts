import type { GenerateRequest } from "../ports.ts";

/**
 * A prompt as a list of texts, such that prompts that begin alike have lists that begin alike, whichever way they go to an engine: for
 * telling who has read the beginning already. Empty: it cannot be told.
 */
export function promptTexts(prompt: GenerateRequest["prompt"]): string[] {
  return prompt.kind === "text"
    ? [prompt.text]
    : prompt.messages.map(({ role, content }) => messageText(role, content));
}

/** The same of a request in OpenAI's shape, of which nothing is certain. */
export function bodyTexts(body: Readonly<Record<string, unknown>>): string[] {
  const { messages, prompt } = body;
  if (Array.isArray(messages)) return messages.map(textOf);
  return typeof prompt === "string" ? [prompt] : [];
}

const MOST_BRIEF = 500;

function textOf(message: unknown): string {
  if (typeof message !== "object" || message === null) return "";
  const { role, content, ...more } = message as Readonly<Record<string, unknown>>;
  const text = Array.isArray(content) ? content.map(partText).join("") : content;
  // Calls of tools, names and the like are part of what the engine reads too.
  const rest = Object.keys(more).length === 0 ? "" : briefly(more);
  return messageText(String(role), `${typeof text === "string" ? text : ""}${rest}`);
}

function partText(part: unknown): string {
  const { type, text } = (part ?? {}) as Readonly<Record<string, unknown>>;
  return type === "text" && typeof text === "string" ? text : briefly(part);
}

/** A picture has a million characters: its beginning and its length tell it from others well enough for a guess at what is warm. */
function briefly(value: unknown): string {
  const brief = (_: string, it: unknown) =>
    typeof it === "string" && it.length > MOST_BRIEF ? `${it.slice(0, MOST_BRIEF)} ${it.length}` : it;
  return JSON.stringify(value, brief) ?? "";
}

/** Templates know no developer. */
function messageText(role: string, content: string): string {
  return `${role === "developer" ? "system" : role}\n${content}`;
}
