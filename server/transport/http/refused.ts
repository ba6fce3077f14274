import { z } from "zod";

/** A failure as OpenAI's clients read it. */
export const ErrorBody = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    /** Where in the request it lies: `messages[0].content`. */
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});
export type ErrorBody = z.output<typeof ErrorBody>;

/** A request that the door itself turns down, before any handler sees it. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    more: { readonly param?: string | null; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.name = "Refused";
    this.status = status;
    this.code = code;
    this.param = more.param ?? null;
    this.headers = more.headers ?? {};
  }

  /** As OpenAI says it. */
  body(): ErrorBody {
    return { error: { message: this.message, type: typeOf(this.status), param: this.param, code: this.code } };
  }
}

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

export function tooLarge(mostBytes: number): Refused {
  return new Refused(413, "body_too_large", `A request's body may have at most ${mostBytes} bytes`);
}
