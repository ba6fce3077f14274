import { TandemError } from "../errors.ts";

/** An OpenAI-compatible server's address, taken apart. */
export interface Address {
  /** What `/health`, `/props` and `/completion` are appended to; no slash at the end. */
  readonly root: string;
  /** What `/models` and `/chat/completions` are appended to: the root and `/v1`. */
  readonly api: string;
  /** Host and port, for messages. */
  readonly host: string;
}

const KNOWN_PATHS = /\/(v1(\/(chat\/completions|completions|models))?|completion)$/;

/** Accepts what people paste: with or without `/v1`, a slash or a method's path at the end. Throws TandemError not-configured. */
export function parseAddress(text: string): Address {
  const trimmed = text.trim();
  if (!/^https?:\/\//i.test(trimmed)) throw refuse(trimmed, "it must start with http:// or https://");
  const url = URL.parse(trimmed);
  if (url === null) throw refuse(trimmed, "it is not a URL");
  if (url.username !== "" || url.password !== "")
    throw refuse(
      `${url.protocol}//…@${url.host}`,
      "it carries a user name or a password; use the apiKey setting instead",
    );
  if (url.search !== "" || url.hash !== "") throw refuse(trimmed, "it must not have ? or # in it");
  const path = url.pathname.replace(/\/+$/, "").replace(KNOWN_PATHS, "").replace(/\/+$/, "");
  const root = `${url.origin}${path}`;
  return { root, api: `${root}/v1`, host: url.host };
}

function refuse(text: string, why: string): TandemError {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return new TandemError(
    "not-configured",
    `"${shown}" cannot be used as an endpoint: ${why}`,
    "Write the endpoint as http://host:port, for example http://127.0.0.1:8080",
  );
}
