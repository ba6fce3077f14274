import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { LogOutputChannel } from "vscode";
import type { MessageTransports } from "vscode-languageclient/node";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  TransportKind,
} from "vscode-languageclient/node";
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
  const closed = Promise.withResolvers<string>();
  const client = new QuietClient(
    "tandem",
    "Tandem",
    { module, transport: TransportKind.stdio },
    {
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
          closed.resolve("the connection was closed");
          return { action: CloseAction.DoNotRestart, handled: true };
        },
      },
    },
  );
  try {
    await within(START_TIMEOUT_MS, client.start(), "it did not answer within 20 s");
  } catch (error) {
    client.kill();
    throw (await client.exit()) ?? error;
  }
  return {
    client,
    gone: closed.promise.then(async (reason) => (await client.exit())?.message ?? reason),
    async [Symbol.asyncDispose]() {
      await client.dispose(STOP_TIMEOUT_MS).catch(() => undefined);
      if ((await client.exit()) === null) client.kill();
    },
  };
}

/** The library's client without its pop-ups (a process that dies in the background is no reason for one), with its exit. */
class QuietClient extends LanguageClient {
  #child: ChildProcess | null = null;
  #exit: Promise<Error> = new Promise(() => undefined);

  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }

  kill(): void {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  }

  /** How the process ended, given a moment to do so; null when it has not, or never began. */
  async exit(): Promise<Error | null> {
    if (!this.#child) return null;
    return await within(EXIT_WAIT_MS, this.#exit, "still there").catch(() => null);
  }

  protected override async createMessageTransports(encoding: string): Promise<MessageTransports> {
    const transports = await super.createMessageTransports(encoding);
    const child = this.serverProcess;
    if (child) {
      this.#child = child;
      this.#exit = new Promise((resolve) => {
        child.once("exit", (code, signal) =>
          resolve(new Error(signal ? `it was ended by ${signal}` : `it ended with exit code ${code}`)),
        );
      });
    }
    return transports;
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
