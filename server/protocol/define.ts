import type { z } from "zod";

/** One request of the contract, as data: both doors and every client derive from it. */
export interface RequestDefinition<Params extends z.ZodType, Event extends z.ZodType, Result extends z.ZodType> {
  /** The JSON-RPC method. */
  readonly method: string;
  readonly params: Params;
  /** What the server reports while it works, sent as `$/progress` to `partialResultToken`, in order, before the result. */
  readonly event: Event;
  readonly result: Result;
  /**
   * What a client does when the orchestrator dies before the answer. `resend`: what has come so far can be thrown away and the request
   * sent again. `never`: the next orchestrator is not meant. Left out: `resend` while no text has come, since it may have been shown.
   */
  readonly afterLoss?: "resend" | "never";
}

/** One message that expects no answer. */
export interface NotificationDefinition<Params extends z.ZodType> {
  readonly method: string;
  readonly params: Params;
}

// biome-ignore lint/suspicious/noExplicitAny: any request, whatever its shapes
export type AnyRequest = RequestDefinition<any, any, any>;
export type ParamsOf<R extends AnyRequest> = z.input<R["params"]>;
export type ParsedParamsOf<R extends AnyRequest> = z.output<R["params"]>;
export type EventOf<R extends AnyRequest> = z.output<R["event"]>;
export type ResultOf<R extends AnyRequest> = z.output<R["result"]>;

export function request<Params extends z.ZodType, Event extends z.ZodType, Result extends z.ZodType>(
  definition: RequestDefinition<Params, Event, Result>,
): RequestDefinition<Params, Event, Result> {
  return definition;
}

export function notification<Params extends z.ZodType>(
  definition: NotificationDefinition<Params>,
): NotificationDefinition<Params> {
  return definition;
}
