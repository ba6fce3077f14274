import type { EventOf, ParsedParamsOf, ResultOf } from "./protocol/define.ts";
import type { requests } from "./protocol/requests.ts";

export interface Call<Event> {
  /** Reports while the work goes on; events arrive in order and before the result. */
  readonly emit: (event: Event) => void;
  readonly signal: AbortSignal;
}

type Requests = typeof requests;

/** One handler per request of the contract; the doors know nothing else of the inside. */
export type Handlers = {
  readonly [Name in keyof Requests]: (
    params: ParsedParamsOf<Requests[Name]>,
    call: Call<EventOf<Requests[Name]>>,
  ) => Promise<ResultOf<Requests[Name]>>;
};
