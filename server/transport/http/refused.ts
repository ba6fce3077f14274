import { errorTypeOf, type OpenAiErrorBody } from "../../protocol/openaiError.ts";

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
  body(): OpenAiErrorBody {
    return { error: { message: this.message, type: errorTypeOf(this.status), param: this.param, code: this.code } };
  }
}

export function tooLarge(mostBytes: number): Refused {
  return new Refused(413, "body_too_large", `A request's body may have at most ${mostBytes} bytes`);
}
