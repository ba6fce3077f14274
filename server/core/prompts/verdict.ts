import type { AnswerShape } from "../../ports.ts";
import type { Finding } from "../../protocol/run.ts";

/** What an auditor said of one part, or of the whole. `unclear` answers are reported as such and never taken for approval. */
export type Verdict =
  | { readonly kind: "ok" }
  | { readonly kind: "flag"; readonly finding: Finding }
  | { readonly kind: "unclear" };

/** Lines that a verdict may speak of, one-based and inclusive. */
export interface Lines {
  readonly fromLine: number;
  readonly toLine: number;
}

export const VERDICT_TOKENS = 80;

const KEYS = ["ok", "line", "severity", "why"];

/**
 * A short verdict, so that judging a part costs little more than reading it. Grammar and schema say the same, but that the schema allows
 * white space, and quotes and backslashes in a reason.
 */
export const VERDICT_SHAPE: AnswerShape = {
  name: "verdict",
  gbnf: [
    "root ::= ok | flag",
    'ok ::= "{\\"ok\\":true}"',
    'flag ::= "{\\"ok\\":false,\\"line\\":" [1-9] [0-9]{0,3} ",\\"severity\\":\\"" ("error" | "warning" | "note") "\\",\\"why\\":\\"" [^"\\\\\\n]{4,160} "\\"}"',
  ].join("\n"),
  jsonSchema: {
    anyOf: [
      { type: "object", properties: { ok: { const: true } }, required: ["ok"], additionalProperties: false },
      {
        type: "object",
        properties: {
          ok: { const: false },
          line: { type: "integer", minimum: 1, maximum: 9_999 },
          severity: { enum: ["error", "warning", "note"] },
          why: { type: "string", minLength: 4, maxLength: 160 },
        },
        required: KEYS,
        additionalProperties: false,
      },
    ],
  },
};

/** What models that no grammar confines put around a verdict: a label, a fence. */
const AROUND = /^(?:verdict:)?\s*(?:```(?:json)?\s*(?<fenced>\{[^`]*\})\s*```|(?<bare>\{.*\}))$/is;

/**
 * Reads a verdict: the whole answer must be one, so that no verdict is taken from what an answer quotes. A line outside of `lines` is moved
 * to the first of them.
 */
export function readVerdict(text: string, lines: Lines): Verdict {
  const groups = AROUND.exec(withoutThoughts(text).trim())?.groups;
  const value = parsed(groups?.fenced ?? groups?.bare ?? "");
  if (value === null || typeof value.ok !== "boolean") return { kind: "unclear" };
  if (value.ok) return Object.keys(value).length === 1 ? { kind: "ok" } : { kind: "unclear" };
  const why = typeof value.why === "string" ? value.why.trim() : "";
  if (why === "") return { kind: "unclear" };
  const line = typeof value.line === "number" ? Math.trunc(value.line) : lines.fromLine;
  const severity = value.severity === "error" || value.severity === "note" ? value.severity : "warning";
  const isInside = line >= lines.fromLine && line <= lines.toLine;
  return {
    kind: "flag",
    finding: { line: isInside ? line : lines.fromLine, severity, message: why, source: "audit" },
  };
}

/** Null: no object, one with other keys than a verdict has, or with one of them twice, of which a parser takes the last. */
function parsed(json: string): Readonly<Record<string, unknown>> | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const keys = Object.keys(value);
  const written = json.match(/(?<![\\\w])"(?:[^"\\]|\\.)*"\s*:/g)?.length ?? 0;
  return keys.every((it) => KEYS.includes(it)) && written === keys.length ? { ...value } : null;
}

/** A reasoning model's thoughts, which some templates begin for it, so that only their end is seen. */
export function withoutThoughts(text: string): string {
  if (/^\s*[{`]/.test(text)) return text;
  const end = text.lastIndexOf("</think>");
  if (end >= 0) return text.slice(end + "</think>".length);
  return /^\s*<think>/.test(text) ? "" : text;
}
