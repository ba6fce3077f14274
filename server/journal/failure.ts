/**
 * What a failed access to the journal means.
 * - broken      the file is damaged, or is no journal
 * - newer       it is a newer Tandem's, which this one would misread
 * - busy        another process holds it longer than is waited for
 * - unwritable  the disk is full, the folder is read-only, or the like: it will fail again
 */
export type FailureKind = "broken" | "newer" | "busy" | "unwritable";

/** A file that SQLite can read, and that is not for us to use. */
export class UnfitFile extends Error {
  readonly kind: "broken" | "newer";

  constructor(kind: "broken" | "newer", message: string) {
    super(message);
    this.name = "UnfitFile";
    this.kind = kind;
  }
}

const SQLITE: Readonly<Record<number, FailureKind>> = {
  1: "broken", // ERROR: a table or a column is not there
  5: "busy", // BUSY
  6: "busy", // LOCKED
  8: "unwritable", // READONLY
  10: "unwritable", // IOERR
  11: "broken", // CORRUPT
  13: "unwritable", // FULL
  14: "unwritable", // CANTOPEN
  26: "broken", // NOTADB
};
/** SQLite's extended codes carry the plain one in their lowest byte. */
const PLAIN = 0xff;

/** Null: it is none of these, but a bug. */
export function failureKind(error: unknown): FailureKind | null {
  if (error instanceof UnfitFile) return error.kind;
  if (!(error instanceof Error)) return null;
  if ("errcode" in error && typeof error.errcode === "number") return SQLITE[error.errcode & PLAIN] ?? null;
  // What the file system says names the call.
  return "syscall" in error ? "unwritable" : null;
}
