import { CancellationTokenSource } from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { ProgressType } from "vscode-languageclient/node";
import type { AnyRequest, EventOf, ParamsOf, ResultOf } from "../server/protocol/define.ts";
import { cancelled, failureOf } from "./failure.ts";

export type Connection = Pick<LanguageClient, "sendRequest" | "onProgress">;

let lastToken = 0;

/**
 * Sends one request of the contract. Events arrive through `onEvent`, in order, all before the result.
 * An aborted signal becomes `$/cancelRequest`. Rejects with TandemFailure only.
 */
export async function send<R extends AnyRequest>(
  connection: Connection,
  definition: R,
  params: ParamsOf<R>,
  onEvent: (event: EventOf<R>) => void,
  signal: AbortSignal,
): Promise<ResultOf<R>> {
  if (signal.aborted) throw cancelled(signal.reason);
  const token = `tandem-${++lastToken}`;
  const progress = connection.onProgress(new ProgressType<unknown>(), token, (value) => {
    const event = definition.event.safeParse(value);
    if (event.success) onEvent(event.data);
  });
  const source = new CancellationTokenSource();
  const cancel = () => source.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const answer = await connection.sendRequest(
      definition.method,
      { ...params, partialResultToken: token },
      source.token,
    );
    return definition.result.parse(answer);
  } catch (error) {
    throw signal.aborted ? cancelled(error) : failureOf(error, null);
  } finally {
    signal.removeEventListener("abort", cancel);
    progress.dispose();
    source.dispose();
  }
}
