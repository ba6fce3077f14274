import { z } from "zod";

/** A place in a text: zero-based line, and offset in UTF-16 code units, as LSP counts. */
export const Position = z.object({ line: z.int().min(0), character: z.int().min(0) });
export type Position = z.output<typeof Position>;

/** `end` is exclusive. An empty range is a cursor. */
export const Range = z.object({ start: Position, end: Position });
export type Range = z.output<typeof Range>;

/** A compiler's or linter's message about the document, sent along so that a fix knows what is wrong. */
export const Diagnostic = z.object({
  range: Range,
  severity: z.enum(["error", "warning", "information", "hint"]),
  message: z.string().max(4_000),
  source: z.string().max(200).optional(),
});
export type Diagnostic = z.output<typeof Diagnostic>;

/** The text a task works on. The client sends what the user sees, saved or not; the server never asks for it back. */
export const SourceDocument = z.object({
  uri: z.string().max(4_096),
  /** VS Code's language identifier: "typescript", "python", … */
  languageId: z.string().max(100),
  /** The editor's version of the text, returned with the edits so that a change in between is seen. */
  version: z.int().nullable().default(null),
  text: z.string(),
});
export type SourceDocument = z.output<typeof SourceDocument>;

/** One replacement in one file. It may be applied only where `before` still stands at `range`. */
export const FileEdit = z.object({
  uri: z.string(),
  /** The version of `RunParams.document` this was made against; null for files the client did not send. */
  version: z.int().nullable(),
  range: Range,
  before: z.string(),
  after: z.string(),
  /** The whole text this was made against, for files the client did not send: an insertion has no `before` to check. */
  base: z.string().optional(),
  /** True when the file does not exist yet; `before` is then empty. */
  isNewFile: z.boolean(),
});
export type FileEdit = z.output<typeof FileEdit>;
