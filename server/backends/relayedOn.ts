import type { RelayRequest } from "../relaying.ts";
import type { Dialect } from "./wireBody.ts";

type Body = RelayRequest["body"];

/**
 * Whether a server goes on in an answer as it is told: a text is continued by whoever continues texts; a model's own turn by llama-server and
 * vLLM. Ollama does it as its model's template happens to be, and others answer anew: what they say has to be looked at.
 */
export function goesOnAt(path: RelayRequest["path"], dialect: Dialect): boolean {
  if (path === "/completions") return true;
  return path === "/chat/completions" && (dialect === "llama-server" || dialect === "vllm");
}

/** The request for what comes behind `text`: everything else in it is as it was. */
export function bodyBehind(text: string, { path, body }: Pick<RelayRequest, "path" | "body">, dialect: Dialect): Body {
  if (text === "") return body;
  if (path === "/completions") return { ...body, prompt: `${[body.prompt].flat().join("")}${text}` };
  const own = dialect === "vllm" ? { add_generation_prompt: false, continue_final_message: true } : {};
  return { ...body, ...own, messages: withTurn(Array.isArray(body.messages) ? body.messages : [], text) };
}

/** The model's own turn with what it has said already; where the conversation ends in one, that goes on. */
function withTurn(messages: readonly unknown[], text: string): readonly unknown[] {
  const last: unknown = messages.at(-1);
  if (typeof last !== "object" || last === null || !("role" in last) || last.role !== "assistant")
    return [...messages, { role: "assistant", content: text }];
  const said = "content" in last ? last.content : null;
  const content = Array.isArray(said)
    ? [...said, { type: "text", text }]
    : `${typeof said === "string" ? said : ""}${text}`;
  return [...messages.slice(0, -1), { ...last, content }];
}

interface Shape {
  readonly choices?: readonly unknown[] | null | undefined;
  readonly prompt_progress?: unknown;
  readonly usage?: unknown;
}

/** What a stream begins with, which is out already: the opening of the turn, and llama-server's echo of it while it reads the prompt. */
export function isSaidAlready(shape: Shape, isWriting: boolean): boolean {
  if (shape.prompt_progress) return true;
  return !isWriting && !shape.usage && (shape.choices?.length ?? 0) > 0;
}
