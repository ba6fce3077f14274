import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { Refused } from "./refused.ts";

/** Where clients put a key: OpenAI's way, an internal service's, and Azure's. */
const KEY_HEADERS = ["x-internal-api-key", "api-key"] as const;

/** Null when one of the keys that were sent is the door's own. `key` is the one of this moment. */
export function keyRefusal(headers: IncomingHttpHeaders, key: string): Refused | null {
  const sent = keysIn(headers);
  // Each is compared, so that the time says nothing about which one it was.
  const isKnown = sent.map((it) => isSame(it, key)).includes(true);
  // A key file that is gone has taken its key with it.
  if (isKnown && key !== "") return null;
  return new Refused(
    401,
    "invalid_api_key",
    sent.length === 0
      ? "No API key was sent. Send it as `Authorization: Bearer KEY`; `tandem key` prints it"
      : "This API key is not, or no longer, valid. `tandem key` prints the valid one",
    { headers: { "www-authenticate": "Bearer" } },
  );
}

/** Whether a key came along at all. One that is wrong is refused even where none is needed: clients try theirs on the list of models. */
export function hasKey(headers: IncomingHttpHeaders): boolean {
  return keysIn(headers).length > 0;
}

function keysIn(headers: IncomingHttpHeaders): string[] {
  const bearer = /^Bearer +(.+)$/i.exec(headers.authorization ?? "")?.[1];
  const others = KEY_HEADERS.map((name) => headers[name]);
  return [bearer, ...others].filter((it) => typeof it === "string");
}

/** In a time that depends on neither text; digests are of one length, as the comparison wants it. */
function isSame(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

function digest(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
