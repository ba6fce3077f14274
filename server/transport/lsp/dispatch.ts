import { type CancellationToken, ErrorCodes, ResponseError } from "vscode-languageserver-protocol/node";
import type { Calls } from "./calls.ts";
import { type Asked, toResponseError } from "./failure.ts";

/** Works on a request. It throws what the client is to be told. */
export type Method = (params: unknown, signal: AbortSignal) => Promise<unknown>;
/** Takes a notification in. Throwing says that it made no sense. */
export type Notice = (params: unknown) => void;

export interface DispatchDeps {
  readonly initialize: (params: unknown) => unknown;
  readonly onShutdown: () => void;
  readonly onExit: () => void;
  readonly methods: ReadonlyMap<string, Method>;
  readonly notices: ReadonlyMap<string, Notice>;
  readonly calls: Calls;
  readonly asked: Omit<Asked, "method">;
}

export interface Dispatch {
  request(method: string, params: unknown, token: CancellationToken): Promise<unknown>;
  notification(method: string, params: unknown): void;
}

/** Notifications of one client that are complained of in the log. */
const MOST_COMPLAINTS = 100;

/** LSP's order of things: nothing before `initialize`, which comes once, and nothing but `exit` after `shutdown`. */
export function createDispatch(deps: DispatchDeps): Dispatch {
  const { methods, notices, calls, asked } = deps;
  let phase: "new" | "serving" | "shut down" = "new";
  let complaints = 0;

  function complain(method: string, reason: string): void {
    if (complaints++ < MOST_COMPLAINTS) asked.log.warn("notification ignored", { method, reason });
  }

  function lifecycle(method: string, params: unknown): unknown {
    if (method === "initialize") {
      const result = deps.initialize(params);
      phase = "serving";
      return result;
    }
    phase = "shut down";
    deps.onShutdown();
    return null;
  }

  return {
    async request(method, params, token) {
      try {
        if (phase === "new" && method !== "initialize")
          throw refused(ErrorCodes.ServerNotInitialized, "initialize first");
        if (phase === "shut down") throw refused(ErrorCodes.InvalidRequest, "nothing but exit comes after shutdown");
        if (phase === "serving" && method === "initialize")
          throw refused(ErrorCodes.InvalidRequest, "initialize comes once");
        if (method === "initialize" || method === "shutdown") return lifecycle(method, params);
        const work = methods.get(method);
        if (!work) throw refused(ErrorCodes.MethodNotFound, `there is no method ${method}`);
        return await calls.run(token, (signal) => work(params, signal));
      } catch (error) {
        throw toResponseError(error, { ...asked, method });
      }
    },
    notification(method, params) {
      if (method === "exit") return deps.onExit();
      const take = notices.get(method);
      // LSP lets servers pass over what begins like this, and editors send some of it.
      if (!take && (method.startsWith("$/") || method === "initialized")) return;
      if (phase !== "serving") return complain(method, "it came before initialize, or after shutdown");
      if (!take) return complain(method, "there is no such notification");
      try {
        take(params);
      } catch (error) {
        complain(method, toResponseError(error, { ...asked, method }).message);
      }
    },
  };
}

function refused(code: number, why: string): ResponseError<unknown> {
  return new ResponseError(code, `Not possible: ${why}`);
}
