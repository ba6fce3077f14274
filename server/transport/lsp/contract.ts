import { z } from "zod";
import type { Handlers } from "../../handlers.ts";
import type { AnyRequest } from "../../protocol/define.ts";
import { requests } from "../../protocol/requests.ts";
import type { Method } from "./dispatch.ts";
import { parsed } from "./failure.ts";

export type ProgressToken = string | number;
export type SendProgress = (token: ProgressToken, value: unknown) => void;

const Envelope = z.looseObject({ partialResultToken: z.union([z.string().max(200), z.int()]).optional() });

/** The requests of the contract as LSP requests, their events as `$/progress`. */
export function contractMethods(handlers: Handlers, sendProgress: SendProgress): Map<string, Method> {
  return new Map(
    Object.entries(requests).map(([name, definition]) => [
      definition.method,
      method(definition, handlers[name as keyof Handlers] as AnyHandler, sendProgress),
    ]),
  );
}

type AnyHandler = (params: unknown, call: { emit: (event: unknown) => void; signal: AbortSignal }) => Promise<unknown>;

function method(definition: AnyRequest, handler: AnyHandler, sendProgress: SendProgress): Method {
  return (given, signal) => {
    const { partialResultToken: token, ...rest } = parsed(Envelope, given ?? {}, definition.method);
    const emit = (event: unknown) => {
      if (token !== undefined) sendProgress(token, event);
    };
    return handler(parsed(definition.params, rest, definition.method), { emit, signal });
  };
}
