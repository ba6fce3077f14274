import { ErrorCodes, type Message, ResponseError } from "vscode-languageserver-protocol/node";
import { z } from "zod";
import { TandemError } from "../../errors.ts";
import { TANDEM_ERROR } from "../../protocol/errors.ts";
import { isDeeper } from "../http/nesting.ts";

/** What becomes of one message before anything is done with it. */
export type Admitted =
  | { readonly kind: "message"; readonly message: Message }
  /** `isMangled`: it is no message at all, rather than one too many. */
  | {
      readonly kind: "refused";
      readonly id: RequestId | null;
      readonly error: ResponseError<unknown>;
      readonly isMangled: boolean;
    };

export interface Admission {
  admit(body: Buffer): Admitted;
  /** A request was answered. */
  answered(id: unknown): void;
  /** Requests that were let in and not yet answered. */
  open(): number;
}

/** Requests of one client that wait for their answers at the same time. */
export const MOST_OPEN_REQUESTS = 256;
/** Arrays and objects in each other. What LSP declares is a dozen deep at most. */
export const MOST_DEPTH = 64;

const RequestId = z.union([z.string().max(200), z.number()]);
type RequestId = z.output<typeof RequestId>;
const Params = z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).nullish();
const Called = z.looseObject({ id: RequestId.optional(), method: z.string().max(200), params: Params });
const Answered = z
  .looseObject({
    id: RequestId,
    method: z.undefined().optional(),
    result: z.unknown().optional(),
    error: z.looseObject({}).optional(),
  })
  .refine((it) => it.result !== undefined || it.error !== undefined);
/** Only an id that JSON-RPC knows can be asked for by name. */
const Cancel = z.object({ id: RequestId });

/** Lets in what is a JSON-RPC message of bearable depth, and no more requests at a time than one client may have. */
export function createAdmission(): Admission {
  // Ids as the connection keeps them: there, 1 and "1" are the same.
  const open = new Set<string>();
  return {
    admit(body) {
      if (isDeeper(body, MOST_DEPTH))
        return mangled(ErrorCodes.InvalidRequest, `It is nested deeper than ${MOST_DEPTH}`);
      const value = parsed(body);
      if (value === undefined) return mangled(ErrorCodes.ParseError, "It is no JSON");
      const message = { jsonrpc: "2.0", ...(value as object) };
      if (Answered.safeParse(value).success) return { kind: "message", message };
      const called = Called.safeParse(value);
      if (!called.success) return mangled(ErrorCodes.InvalidRequest, "It is no JSON-RPC message", idOf(value));
      const { id, method, params } = called.data;
      if (method === "$/cancelRequest" && !Cancel.safeParse(params).success)
        return mangled(ErrorCodes.InvalidRequest, "It cancels nothing that has an id");
      if (id === undefined) return { kind: "message", message };
      const refused = tooMany(open, id, method);
      if (refused) return { kind: "refused", id, error: refused, isMangled: false };
      open.add(String(id));
      return { kind: "message", message };
    },
    answered: (id) => void open.delete(String(id)),
    open: () => open.size,
  };
}

function tooMany(open: ReadonlySet<string>, id: RequestId, method: string): ResponseError<unknown> | null {
  if (open.has(String(id)))
    return new ResponseError(ErrorCodes.InvalidRequest, `A request with the id ${id} is still being worked on`);
  // A client with too many requests may still leave.
  if (open.size < MOST_OPEN_REQUESTS || method === "shutdown") return null;
  const failure = new TandemError(
    "bad-request",
    `${MOST_OPEN_REQUESTS} requests of this client are being worked on`,
    "Wait for one of them, or cancel it",
  );
  return new ResponseError(TANDEM_ERROR, failure.message, failure.toData());
}

function mangled(code: number, what: string, id: RequestId | null = null): Admitted {
  return { kind: "refused", id, error: new ResponseError(code, `A message cannot be read. ${what}`), isMangled: true };
}

function idOf(value: unknown): RequestId | null {
  return z.object({ id: RequestId }).safeParse(value).data?.id ?? null;
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
