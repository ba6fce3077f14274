import type { Readable } from "node:stream";

/** Lines as they come. Of one that is longer than `mostChars` only as much is kept as shows that. */
export async function* linesOf(input: Readable, mostChars: number): AsyncGenerator<string> {
  input.setEncoding("utf8");
  let rest = "";
  for await (const chunk of input) {
    const lines = `${rest}${String(chunk)}`.split("\n");
    rest = (lines.pop() ?? "").slice(0, mostChars + 1);
    yield* lines;
  }
  if (rest !== "") yield rest;
}
