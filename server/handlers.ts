import type { EventOf, ParsedParamsOf, ResultOf } from "./protocol/define.ts";
import type { requests } from "./protocol/requests.ts";
import type { ClientSettings } from "./protocol/settings.ts";
import type { ChunkSink } from "./relaying.ts";

export interface Call<Event> {
  /** Reports while the work goes on; events arrive in order and before the result. */
  readonly emit: (event: Event) => void;
  readonly signal: AbortSignal;
  /** Where the chunks of a stream go as JSON; left out, they are events. */
  readonly chunks?: ChunkSink;
}

type Requests = typeof requests;

/** One handler per request of the contract; the doors know nothing else of the inside. */
export type Handlers = {
  readonly [Name in keyof Requests]: (
    params: ParsedParamsOf<Requests[Name]>,
    call: Call<EventOf<Requests[Name]>>,
  ) => Promise<ResultOf<Requests[Name]>>;
};

/** One client at the orchestrator: its handlers, working with its settings and its workspace. Disposing cancels nothing; it lets go. */
export interface Session extends Disposable {
  readonly handlers: Handlers;
  /** This client's settings; nobody else's change. */
  configure(settings: ClientSettings): void;
  /** Folders the client has open, as `file:` URIs. Nothing outside them is read for it; empty means that it has not said. */
  scope(folderUris: readonly string[]): void;
}
