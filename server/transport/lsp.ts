import type { Readable, Writable } from "node:stream";
import {
  type CancellationToken,
  createProtocolConnection,
  DidChangeConfigurationNotification,
  ErrorCodes,
  ExitNotification,
  InitializeRequest,
  LSPErrorCodes,
  ProgressType,
  type ProtocolConnection,
  ResponseError,
  ShutdownRequest,
} from "vscode-languageserver-protocol/node";
import { z } from "zod";
import { TandemError } from "../errors.ts";
import type { Handlers } from "../handlers.ts";
import type { Log } from "../ports.ts";
import type { AnyRequest } from "../protocol/define.ts";
import { TANDEM_ERROR } from "../protocol/errors.ts";
import { requests, statusChanged } from "../protocol/requests.ts";
import { Settings } from "../protocol/settings.ts";
import type { Status } from "../protocol/status.ts";

export interface LspDeps {
  readonly handlers: Handlers;
  readonly version: string;
  readonly log: Log;
  /** The client's settings, once at the start and again at each change. */
  readonly onSettings: (settings: Settings) => void;
}

export interface LspClient {
  /** Resolves when the client has gone, politely or not. */
  readonly gone: Promise<void>;
  notifyStatus(status: Status): void;
  close(): void;
}

const Envelope = z.looseObject({ partialResultToken: z.union([z.string(), z.int()]).optional() });
const Configuration = z.object({ settings: Settings });

/** One client on one stream: the requests of the contract as LSP requests, their events as `$/progress`. */
export function serveLsp(input: Readable, output: Writable, deps: LspDeps): LspClient {
  const { log } = deps;
  const connection = createProtocolConnection(input, output, {
    error: (message) => log.error("lsp", { message }),
    warn: (message) => log.warn("lsp", { message }),
    info: () => undefined,
    log: () => undefined,
  });
  const gone = Promise.withResolvers<void>();
  const running = new Set<AbortController>();
  connection.onRequest(InitializeRequest.type, (params) => {
    deps.onSettings(parsed(Settings, params.initializationOptions ?? {}, "initializationOptions"));
    return { capabilities: {}, serverInfo: { name: "tandem", version: deps.version } };
  });
  connection.onNotification(DidChangeConfigurationNotification.type, (params) => {
    const read = Configuration.safeParse(params);
    if (read.success) deps.onSettings(read.data.settings);
    else log.warn("settings ignored", { reason: z.prettifyError(read.error) });
  });
  connection.onRequest(ShutdownRequest.type, () => {
    for (const abort of running) abort.abort(leaving());
  });
  connection.onNotification(ExitNotification.type, () => gone.resolve());
  for (const [name, definition] of Object.entries(requests))
    offer(connection, definition, handlerOf(deps.handlers, name), running, log);
  connection.onClose(() => gone.resolve());
  connection.onError(([error]) => log.warn("connection", { reason: error.message }));
  connection.listen();
  void gone.promise.then(() => {
    for (const abort of running) abort.abort(leaving());
  });
  return {
    gone: gone.promise,
    notifyStatus: (status) => void quietly(() => connection.sendNotification(statusChanged.method, status)),
    close: () => connection.dispose(),
  };
}

type AnyHandler = (params: unknown, call: { emit: (event: unknown) => void; signal: AbortSignal }) => Promise<unknown>;

function offer(
  connection: ProtocolConnection,
  definition: AnyRequest,
  handler: AnyHandler,
  running: Set<AbortController>,
  log: Log,
): void {
  connection.onRequest(definition.method, async (given: unknown, token: CancellationToken) => {
    const abort = new AbortController();
    const { partialResultToken, ...rest } = parsed(Envelope, given ?? {}, definition.method);
    const progress = new ProgressType<unknown>();
    const emit = (event: unknown) => {
      if (partialResultToken !== undefined)
        void quietly(() => connection.sendProgress(progress, partialResultToken, event));
    };
    token.onCancellationRequested(() => abort.abort());
    running.add(abort);
    try {
      return await handler(parsed(definition.params, rest, definition.method), { emit, signal: abort.signal });
    } catch (error) {
      throw toResponseError(error, definition.method, log);
    } finally {
      running.delete(abort);
    }
  });
}

/** A client that has gone needs no news. A closed connection throws at once, one that breaks rejects. */
async function quietly(send: () => Promise<void>): Promise<void> {
  try {
    await send();
  } catch {
    // There is nobody to tell.
  }
}

/** The one place where an error becomes an answer. A TandemError is the user's to act on; anything else is a bug. */
function toResponseError(error: unknown, method: string, log: Log): ResponseError<unknown> {
  if (error instanceof ResponseError) return error;
  if (!(error instanceof TandemError)) {
    log.error("bug", { method, stack: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    const message = `Tandem failed unexpectedly: ${error instanceof Error ? error.message : String(error)}`;
    return new ResponseError(ErrorCodes.InternalError, message, {
      code: "provider",
      nextStep: "Look into the Tandem log, and report it",
      isRetryable: true,
    });
  }
  if (error.code !== "cancelled")
    log.warn("request failed", { method, code: error.code, message: error.message, cause: causeOf(error) });
  const code =
    error.code === "cancelled"
      ? LSPErrorCodes.RequestCancelled
      : error.code === "bad-request"
        ? ErrorCodes.InvalidParams
        : TANDEM_ERROR;
  return new ResponseError(code, error.message, error.toData());
}

function causeOf(error: Error): string | undefined {
  return error.cause instanceof Error ? error.cause.message : undefined;
}

function parsed<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  throw toInvalid(where, read.error);
}

function toInvalid(where: string, error: z.ZodError): ResponseError<unknown> {
  const failure = new TandemError(
    "bad-request",
    `${where}: ${z.prettifyError(error)}`,
    "Send what the protocol declares",
  );
  return new ResponseError(ErrorCodes.InvalidParams, failure.message, failure.toData());
}

function handlerOf(handlers: Handlers, name: string): AnyHandler {
  return handlers[name as keyof Handlers] as AnyHandler;
}

function leaving(): TandemError {
  return new TandemError("shutting-down", "The orchestrator is leaving", "Run it again");
}
