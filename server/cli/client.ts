import { type ChildProcess, spawn } from "node:child_process";
import {
  CancellationTokenSource,
  createProtocolConnection,
  ExitNotification,
  InitializedNotification,
  InitializeRequest,
  ProgressType,
  type ProtocolConnection,
  ShutdownRequest,
} from "vscode-languageserver-protocol/node";
import { serverEntry } from "../assets.ts";
import { TandemError } from "../errors.ts";
import type { AnyRequest, EventOf, ParamsOf, ResultOf } from "../protocol/define.ts";
import type { Settings } from "../protocol/settings.ts";

/** The orchestrator as a client sees it. */
export interface Client extends AsyncDisposable {
  send<R extends AnyRequest>(
    definition: R,
    params: ParamsOf<R>,
    onEvent: (event: EventOf<R>) => void,
    signal: AbortSignal,
  ): Promise<ResultOf<R>>;
}

/** An orchestrator that does not leave when asked is killed after this. */
const LEAVING_MS = 6_000;

/** Starts an orchestrator of this process's own; it leaves with it, however that ends. */
export async function startClient(settings: Settings, isVerbose: boolean): Promise<Client> {
  const child = spawn(process.execPath, [serverEntry(), "--stdio"], {
    stdio: ["pipe", "pipe", isVerbose ? "inherit" : "ignore"],
    env: { ...process.env, TANDEM_LOG_LEVEL: settings.logLevel },
  });
  const died = gone(child);
  const connection = createProtocolConnection(child.stdout, child.stdin);
  connection.onError(() => undefined); // a broken pipe is seen as the child's exit
  connection.listen();
  child.stdin.on("error", () => undefined);
  await Promise.race([
    connection.sendRequest(InitializeRequest.type, {
      processId: process.pid,
      rootUri: null,
      capabilities: {},
      initializationOptions: settings,
    }),
    died,
  ]);
  await connection.sendNotification(InitializedNotification.type, {});
  let tokens = 0;
  return {
    async send(definition, params, onEvent, signal) {
      const partialResultToken = `events-${++tokens}`;
      const listening = connection.onProgress(
        new ProgressType<EventOf<typeof definition>>(),
        partialResultToken,
        (event) => onEvent(definition.event.parse(event)),
      );
      const cancel = new CancellationTokenSource();
      const onAbort = () => cancel.cancel();
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      try {
        const answer = connection.sendRequest(
          definition.method,
          { ...(params as object), partialResultToken },
          cancel.token,
        );
        return definition.result.parse(await Promise.race([answer, died]));
      } finally {
        signal.removeEventListener("abort", onAbort);
        listening.dispose();
        cancel.dispose();
      }
    },
    [Symbol.asyncDispose]: () => leave(connection, child, died),
  };
}

async function leave(connection: ProtocolConnection, child: ChildProcess, died: Promise<never>): Promise<void> {
  const late = setTimeout(() => child.kill("SIGKILL"), LEAVING_MS);
  try {
    await Promise.race([connection.sendRequest(ShutdownRequest.type), died]);
    await connection.sendNotification(ExitNotification.type);
    child.stdin?.end();
    await died;
  } catch {
    // It is gone, which is what was wanted.
  } finally {
    clearTimeout(late);
    connection.dispose();
  }
}

/** Rejects when the child has gone; never resolves. */
function gone(child: ChildProcess): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  child.once("error", (cause) =>
    reject(
      new TandemError(
        "provider",
        `The orchestrator could not be started: ${cause.message}`,
        "Run it again with --verbose",
        { cause },
      ),
    ),
  );
  child.once("exit", (code, signal) =>
    reject(
      new TandemError(
        "provider",
        `The orchestrator stopped (${signal ?? `exit code ${code}`})`,
        "Run it again; with --verbose it says why",
      ),
    ),
  );
  promise.catch(() => undefined);
  return promise;
}
