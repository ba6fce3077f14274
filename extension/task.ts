import type { CancellationToken, LogOutputChannel } from "vscode";
import * as vscode from "vscode";
import { run } from "../server/protocol/requests.ts";
import type { RunEvent, RunParams, RunResult } from "../server/protocol/run.ts";
import { acceptNow } from "../server/protocol/traffic.ts";
import type { Orchestrator } from "./client.ts";
import { logLineOf } from "./eventLog.ts";
import { failureOf, type TandemFailure } from "./failure.ts";
import { contextKeys } from "./ids.ts";
import { createRuns } from "./runs.ts";
import type { StatusItem } from "./status.ts";

/** What came of a task: its result, a failure (cancellation too), never an exception. */
export type Outcome =
  | { readonly kind: "done"; readonly result: RunResult }
  | { readonly kind: "failed"; readonly failure: TandemFailure };

export interface Tasks {
  run(params: RunParams, onEvent: (event: RunEvent) => void, signal: AbortSignal): Promise<Outcome>;
  /** Ends the audits of this window's drafts that are written: they are shown as they are. */
  acceptNow(): Promise<void>;
  /** Cancels every task of this window. */
  cancelAll(): void;
  isBusy(): boolean;
}

export interface TaskDeps {
  readonly orchestrator: () => Promise<Orchestrator>;
  readonly output: LogOutputChannel;
  readonly status: StatusItem;
  /** Hears of every event; null: a task is over. */
  readonly watch: (event: RunEvent | null) => void;
}

/** The orchestrator has but to hear of it. */
const ACCEPT_MS = 10_000;

/** Runs tasks and knows which of them run; writes to the log what was decided, never what was written. */
export function createTasks({ orchestrator, output, status, watch }: TaskDeps): Tasks {
  const runs = createRuns(() => {
    status.showRunning(runs.count);
    void vscode.commands.executeCommand("setContext", contextKeys.isBusy, runs.count > 0);
    void vscode.commands.executeCommand("setContext", contextKeys.isAuditing, runs.drafted().length > 0);
  });
  return {
    async run(params, onEvent, signal) {
      const mine = runs.begin();
      try {
        const client = await orchestrator();
        const result = await client.send(
          run,
          { ...params, ticket: mine.ticket },
          {
            onEvent: (event) => {
              const line = logLineOf(event);
              if (line) output[line.level](line.text);
              mine.hear(event);
              watch(event);
              onEvent(event);
            },
            signal: AbortSignal.any([signal, mine.signal]),
          },
        );
        output.info(
          `${result.action} done in ${(result.timing.totalMs / 1_000).toFixed(1)} s, ${result.findings.length} findings`,
        );
        return { kind: "done", result };
      } catch (error) {
        const failure = failureOf(error, null);
        if (failure.code === "cancelled") output.info("cancelled");
        else output.error(`${failure.code}: ${failure.message}. ${failure.nextStep}`);
        return { kind: "failed", failure };
      } finally {
        watch(null);
        mine.end();
      }
    },
    async acceptNow() {
      const client = await orchestrator();
      // One that is over meanwhile has shown its draft already.
      await Promise.all(
        runs.drafted().map((ticket) => client.send(acceptNow, { ticket }, { signal: AbortSignal.timeout(ACCEPT_MS) })),
      );
    },
    cancelAll: () => runs.cancelAll(),
    isBusy: () => runs.count > 0,
  };
}

/** A signal that fires when the token does. */
export function signalOf(token: CancellationToken): AbortSignal {
  const controller = new AbortController();
  token.onCancellationRequested(() => controller.abort());
  return controller.signal;
}

/** Tells the user and offers what may help. */
export async function showFailure(failure: TandemFailure, again: () => void): Promise<void> {
  if (failure.code === "cancelled") {
    vscode.window.setStatusBarMessage("Tandem: cancelled, nothing was changed", 4_000);
    return;
  }
  const actions = failure.isRetryable ? ["Run Again", "Show Log"] : ["Show Log"];
  // An engine that is held back after failures: whoever has mended it need not wait.
  if (failure.code === "disabled" && failure.isRetryable) actions.unshift("Try Engine Now");
  const chosen = await vscode.window.showErrorMessage(`${failure.message}. ${failure.nextStep}.`, ...actions);
  if (chosen === "Show Log") await vscode.commands.executeCommand("tandem.showLog");
  if (chosen === "Try Engine Now") await vscode.commands.executeCommand("tandem.resetEngine");
  if (chosen === "Run Again" || chosen === "Try Engine Now") again();
}
