/** What some program may take for the end of a line; only a line feed ends one of ours. */
const LINE_ENDS = /[\r\v\f\u0085\u2028\u2029]/g;
/**
 * Marks of chat templates, which a server that knows no better reads as the beginning or end of a turn even in a message's middle:
 * ChatML, Llama 3, Phi and gpt-oss `<|…|>`, DeepSeek `<｜…｜>`, Gemma `<start_of_turn>`, Llama 2 and Mistral `[INST]` and `</s>`.
 */
export const TEMPLATE_MARKS =
  /<(?=[|｜]|\/?(?:s|bos|eos|think|tool_call|start_of_turn|end_of_turn|start_of_image)>|<\/?SYS>)|\[(?=\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|IMG)\])/gi;

/**
 * Text that a model reads and nobody writes back into a file: line ends that are none of ours shown as such, and marks of chat templates
 * made harmless by a space. What is shown to a drafter, who copies, must not be changed like this.
 */
export function harmless(text: string): string {
  return text
    .replace(LINE_ENDS, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .replace(TEMPLATE_MARKS, "$& ");
}

/** Every line numbered, so that no line of the text can stand where something of ours would: `12| …`. */
export function numberedLines(text: string, first: number): string {
  return harmless(text)
    .split("\n")
    .map((line, index) => `${first + index}| ${line}`)
    .join("\n");
}

/** Every line marked, for text whose lines are spoken of by nobody. */
export function markedLines(text: string): string {
  return harmless(text)
    .split("\n")
    .map((line) => `| ${line}`)
    .join("\n");
}

/** On one line, no longer than that. */
export function oneLine(text: string, most: number): string {
  return harmless(text.replace(/[\s\v\u0085\u2028\u2029]+/g, " ").trim()).slice(0, most);
}
