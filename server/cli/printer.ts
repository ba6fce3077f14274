import type { RunEvent, RunResult } from "../protocol/run.ts";
import type { Change } from "./apply.ts";
import type { Failure } from "./failure.ts";

/** Terminals say how many characters a line has, and how many lines they show. */
export type Out = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** Shows a run as it happens. */
export interface Printer {
  event(event: RunEvent): void;
  /** `isWritten`: the changes are in the files; else they are only proposed. */
  result(result: RunResult, changes: readonly Change[], isWritten: boolean): void;
  failure(failure: Failure): void;
}

/** One JSON value per line: every event as the protocol has it, then `{"kind":"result"}` or `{"kind":"error"}`. */
export function jsonPrinter(out: Out): Printer {
  const line = (value: unknown) => void out.write(`${JSON.stringify(value)}\n`);
  return {
    event: line,
    result: (result, changes, isWritten) =>
      line({ kind: "result", isWritten, files: changes.map((it) => it.path), result }),
    failure: (failure) => line({ kind: "error", ...failure }),
  };
}
