import { run } from "../protocol/requests.ts";
import type { RunParams, RunResult } from "../protocol/run.ts";
import { type Change, toChange, writeChange } from "./apply.ts";
import type { Client } from "./client.ts";
import { toFailure } from "./failure.ts";
import type { Printer } from "./printer.ts";

export interface RunOutcome {
  readonly exitCode: number;
  readonly result: RunResult | null;
  readonly changes: readonly Change[];
}

/** 1: it failed, and why was said. 130: the user stopped it, as shells have it. */
const FAILED = 1;
const STOPPED = 130;

/** Runs one request, shows it, and writes the files when asked to. */
export async function runOnce(
  params: RunParams,
  client: Client,
  printer: Printer,
  isApplied: boolean,
  signal: AbortSignal,
): Promise<RunOutcome> {
  try {
    const result = await client.send(run, params, printer.event, signal);
    const seen = (uri: string) => (params.document?.uri === uri ? params.document.text : null);
    const edits = result.kind === "edit" ? result.edits : [];
    const changes = await Promise.all(edits.map((it) => toChange(it, seen(it.uri))));
    signal.throwIfAborted();
    if (isApplied) for (const change of changes) await writeChange(change);
    printer.result(result, changes, isApplied);
    return { exitCode: 0, result, changes };
  } catch (error) {
    if (signal.aborted) {
      printer.failure({
        code: "cancelled",
        message: "Stopped",
        nextStep: "Nothing was changed; run it again when you like",
      });
      return { exitCode: STOPPED, result: null, changes: [] };
    }
    printer.failure(toFailure(error));
    return { exitCode: FAILED, result: null, changes: [] };
  }
}
