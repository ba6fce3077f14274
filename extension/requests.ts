import { CancellationTokenSource } from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { ProgressType } from "vscode-languageclient/node";
import type { AnyRequest, ResultOf } from "../server/protocol/define.ts";
import type { Order } from "./deliver.ts";
import { cancelled, failureOf } from "./failure.ts";

export interface Connection extends Pick<LanguageClient, "sendRequest" | "onProgress"> {
  /** Why no answer can come any more, as a clause; null while one can. */
  readonly ended: () => string | null;
}

/** An orchestrator that hangs does not answer that it has cancelled, either. */
const CANCELLING_MS = 1_000;

let lastToken = 0;

/**
 * Sends one request of the contract. Events arrive in order, all before the result. An aborted signal becomes `$/cancelRequest`.
 * Rejects with TandemFailure only.
 */
export async function send<R extends AnyRequest>(connection: Connection, order: Order<R>): Promise<ResultOf<R>> {
  const { definition, params, onEvent, signal } = order;
  if (signal.aborted) throw cancelled(signal.reason);
  const token = `tandem-${++lastToken}`;
  const progress = connection.onProgress(new ProgressType<unknown>(), token, (value) => {
    const event = definition.event.safeParse(value);
    if (event.success) onEvent(event.data);
  });
  const source = new CancellationTokenSource();
  const unanswered = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const cancel = () => {
    source.cancel();
    timer = setTimeout(() => unanswered.reject(cancelled(signal.reason)), CANCELLING_MS);
  };
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const given = { ...params, partialResultToken: token };
    const answer = connection.sendRequest(definition.method, given, source.token);
    return definition.result.parse(await Promise.race([answer, unanswered.promise]));
  } catch (error) {
    throw signal.aborted ? cancelled(error) : failureOf(error, connection.ended());
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
    progress.dispose();
    source.dispose();
  }
}
