import { type ChildProcess, spawn } from "node:child_process";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import type { LogOutputChannel } from "vscode";
import { CloseAction, ErrorAction, LanguageClient, RevealOutputChannelOn } from "vscode-languageclient/node";
import type { Settings } from "../server/protocol/settings.ts";
import { writeServerLine } from "./log.ts";

/** One life of the server process, initialised. Disposing it shuts the server down. */
export interface ServerConnection extends AsyncDisposable {
  readonly client: LanguageClient;
  /** Resolves with the reason when the server goes by itself; never rejects. */
  readonly gone: Promise<string>;
}

export interface ConnectionOptions {
  readonly module: string;
  readonly output: LogOutputChannel;
  readonly settings: Settings;
}

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 2_000;
const EXIT_WAIT_MS = 2_000;

/** Starts the server on the editor's own Node and waits until it answers. Rejects with the reason when it does not. */
export async function openConnection({ module, output, settings }: ConnectionOptions): Promise<ServerConnection> {
  const closed = Promise.withResolvers<void>();
  const server = startServer(module);
  const client = new QuietClient("tandem", "Tandem", () => Promise.resolve(server.child), {
    outputChannel: output,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: settings,
    initializationFailedHandler: () => false,
    stdioOptions: {
      stdout: () => undefined,
      stderr: (input) => void createInterface({ input }).on("line", (line) => writeServerLine(output, line)),
    },
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => {
        closed.resolve();
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    },
  });
  try {
    await within(START_TIMEOUT_MS, client.start(), "it did not answer within 20 s");
  } catch (error) {
    const ended = await server.ended(EXIT_WAIT_MS);
    server.kill();
    throw ended === null ? error : new Error(ended, { cause: error });
  }
  return {
    client,
    gone: closed.promise.then(async () => (await server.ended(EXIT_WAIT_MS)) ?? "the connection was closed"),
    async [Symbol.asyncDispose]() {
      await client.dispose(STOP_TIMEOUT_MS).catch(() => undefined);
      if ((await server.ended(STOP_TIMEOUT_MS)) === null) server.kill();
    },
  };
}

interface ServerProcess {
  readonly child: ChildProcess;
  /** How it ended, waiting so long for it at most; null when it is still there. */
  ended(waitMs: number): Promise<string | null>;
  kill(): void;
}

/** The editor's executable is Electron, or Node itself; both run the server as Node. */
function startServer(module: string): ServerProcess {
  const child = spawn(process.execPath, [module, "--stdio"], {
    cwd: dirname(module),
    env: { ...process.env, ELECTRON_RUN_AS_NODE: "1", ELECTRON_NO_ASAR: "1" },
    stdio: "pipe",
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) =>
      resolve(signal ? `it was ended by ${signal}` : `it ended with exit code ${code}`),
    );
  });
  return {
    child,
    ended: (waitMs) => within(waitMs, ended, "still there").catch(() => null),
    kill: () => void child.kill("SIGKILL"),
  };
}

/** The library's client without its pop-ups: a process that dies in the background is no reason for one. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

async function within<T>(ms: number, promise: Promise<T>, otherwise: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(otherwise)), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
