import { type BracketScanner, type Lexis, scanBrackets } from "./brackets.ts";
import { isBlank, type LineReader, NOTHING_MORE } from "./lineReader.ts";

/** Up to the brace that closes the block the model is in; `opened` is what of it was written for the model. */
export function insideReader(lexis: Lexis, opened: string): LineReader {
  const scanner = scanBrackets(lexis);
  for (const line of opened.split("\n")) scanner.line(line);
  return {
    ...NOTHING_MORE,
    isBlank,
    read(line) {
      const end = scanner.line(line);
      return end === -1 ? { keep: line, isLast: false } : { keep: line.slice(0, end), isLast: true };
    },
  };
}

/** An expression goes on after a line that ends, and in a line that starts, with one of these. */
const GOES_ON_AFTER = /([+\-*/%&|^<>=?:.([{]|=>)\s*$/;
const GOES_ON_WITH = /^\s*(\.|\?|:|&|\||\+|-|\*|\/(?![/*])|%|\^|<|>|=)/;

export function expressionReader(lexis: Lexis): LineReader {
  const scanner = scanBrackets(lexis);
  let isWhole = false;
  return {
    ...NOTHING_MORE,
    isBlank,
    read(line) {
      if (isWhole && !GOES_ON_WITH.test(line)) return { keep: null, isLast: true };
      const end = scanner.line(line, ";,");
      if (end !== -1) return { keep: line.slice(0, end), isLast: true };
      isWhole = !isBlank(line) && isOutside(scanner) && !GOES_ON_AFTER.test(line);
      return { keep: line, isLast: false };
    },
  };
}

export function statementReader(lexis: Lexis): LineReader {
  const scanner = scanBrackets(lexis);
  let hasBlock = false;
  return {
    ...NOTHING_MORE,
    isBlank,
    read(line) {
      const end = scanner.line(line);
      if (end !== -1) return { keep: line.slice(0, end), isLast: true };
      hasBlock ||= line.includes("{") || line.trimEnd().endsWith(";");
      return { keep: line, isLast: hasBlock && isOutside(scanner) };
    },
  };
}

function isOutside(scanner: BracketScanner): boolean {
  return scanner.depth === 0 && scanner.isInCode;
}
