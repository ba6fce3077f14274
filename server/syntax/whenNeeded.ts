import type { Syntax } from "../ports.ts";
import type { SyntaxOptions } from "./treeSitter.ts";

/** The same outlines by a parser that is read with the first text: a start need not pay for it. */
export function createSyntaxWhenNeeded(options: SyntaxOptions): Syntax {
  let made: Promise<Syntax> | null = null;
  const make = async () => {
    const { createSyntax } = await import("./treeSitter.ts");
    return createSyntax(options);
  };
  return {
    async outline(text, languageId) {
      made ??= make();
      return (await made).outline(text, languageId);
    },
  };
}
