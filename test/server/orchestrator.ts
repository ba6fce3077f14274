import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import {
  CancellationTokenSource,
  type ClientCapabilities,
  createProtocolConnection,
  InitializeRequest,
  ProgressType,
  type ProtocolConnection,
  ResponseError,
} from "vscode-languageserver-protocol/node";
import type { z } from "zod";
import type { AnyRequest, EventOf, ParamsOf, ResultOf } from "../../server/protocol/define.ts";
import { ErrorData } from "../../server/protocol/errors.ts";
import type { ClientInfo } from "../../server/protocol/handshake.ts";
import type { Settings } from "../../server/protocol/settings.ts";
import { serveLsp } from "../../server/transport/lsp/serve.ts";
import { silentLog } from "../fakes/log.ts";
import { type TestWorldOptions, testWorld } from "./testWorld.ts";

export interface TestClient {
  readonly connection: ProtocolConnection;
  send<R extends AnyRequest>(definition: R, params: ParamsOf<R>, options?: SendOptions<R>): Promise<ResultOf<R>>;
  /** Ends the stream as a client does that was killed. */
  drop(): void;
}

export interface SendOptions<R extends AnyRequest> {
  readonly onEvent?: (event: EventOf<R>) => void;
  readonly signal?: AbortSignal;
}

export interface ConnectAs {
  readonly kind: ClientInfo["kind"];
  readonly capabilities: ClientCapabilities;
}

export interface TestOrchestrator extends AsyncDisposable {
  connect(settings: z.input<typeof Settings>, as?: ConnectAs): Promise<TestClient>;
  /** An empty folder of this test's own. */
  readonly folder: string;
}

/** Left out: real engines on a machine with room for all, in real time. */
export type OrchestratorOptions = TestWorldOptions;

/** The real orchestrator behind its real LSP door, on streams in this process. */
export async function startOrchestrator(options: OrchestratorOptions = {}): Promise<TestOrchestrator> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-server-"));
  const log = silentLog;
  const world = testWorld(folder, log, options);
  const connections: ProtocolConnection[] = [];
  return {
    folder,
    async connect(settings, { kind, capabilities } = { kind: "cli", capabilities: {} }) {
      const [toServer, toClient] = [new PassThrough(), new PassThrough()];
      const client: ClientInfo = { kind, pid: process.pid, version: "0.0.0-test" };
      serveLsp(toServer, toClient, {
        session: world.connect(client, () => undefined),
        client,
        version: "0.0.0-test",
        log,
      });
      const connection = createProtocolConnection(toClient, toServer);
      connections.push(connection);
      connection.listen();
      const initialize = { processId: null, rootUri: null, capabilities, initializationOptions: settings };
      await connection.sendRequest(InitializeRequest.type, initialize);
      return {
        connection,
        send: (definition, params, options) => send(connection, definition, params, options),
        drop: () => toServer.end(),
      };
    },
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.dispose();
      await world[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

let tokens = 0;

async function send<R extends AnyRequest>(
  connection: ProtocolConnection,
  definition: R,
  params: ParamsOf<R>,
  { onEvent = () => undefined, signal }: SendOptions<R> = {},
): Promise<ResultOf<R>> {
  const partialResultToken = `t${++tokens}`;
  const progress = connection.onProgress(new ProgressType<unknown>(), partialResultToken, (event) =>
    onEvent(definition.event.parse(event)),
  );
  const cancel = new CancellationTokenSource();
  signal?.addEventListener("abort", () => cancel.cancel(), { once: true });
  try {
    const answer = await connection.sendRequest(
      definition.method,
      { ...(params as object), partialResultToken },
      cancel.token,
    );
    return definition.result.parse(answer);
  } finally {
    progress.dispose();
  }
}

/** What a request failed with; throws when it did not fail. */
export async function failureOf(answer: Promise<unknown>): Promise<ErrorData & { message: string }> {
  try {
    await answer;
  } catch (error) {
    if (error instanceof ResponseError) return { ...ErrorData.parse(error.data), message: error.message };
    throw error;
  }
  throw new Error("the request was answered");
}
