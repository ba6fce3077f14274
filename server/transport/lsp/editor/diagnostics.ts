import { z } from "zod";
import { Range, type Diagnostic as SourceDiagnostic } from "../../../protocol/source.ts";

const MOST_MESSAGE = 4_000;
const MOST_SOURCE = 200;
const MOST_DIAGNOSTICS = 200;
const SEVERITIES = ["error", "warning", "information", "hint"] as const;

/** LSP's diagnostic, as a task takes it. What is longer than a task takes is cut: it is some linter's, not the user's. */
const Diagnostic = z
  .looseObject({
    range: Range,
    severity: z.int().min(1).max(4).optional(),
    message: z.union([z.string(), z.looseObject({ value: z.string() })]),
    source: z.string().optional(),
  })
  .transform(({ range, severity = 1, message, source }): SourceDiagnostic => {
    const text = (typeof message === "string" ? message : message.value).slice(0, MOST_MESSAGE);
    const diagnostic = { range, severity: SEVERITIES[severity - 1] ?? "error", message: text };
    return source === undefined ? diagnostic : { ...diagnostic, source: source.slice(0, MOST_SOURCE) };
  });

/** The first ones; an editor may have thousands. */
export const Diagnostics = z.preprocess(
  (given) => (Array.isArray(given) ? given.slice(0, MOST_DIAGNOSTICS) : given),
  z.array(Diagnostic),
);
