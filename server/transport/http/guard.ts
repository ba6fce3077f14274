import type { IncomingMessage } from "node:http";
import { readHost } from "./address.ts";
import { Refused } from "./refused.ts";

export interface GuardRules {
  /** Names beside the address itself, in lower case, with or without a port. */
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
}

/** Names that no DNS server can point elsewhere. */
const LOCAL_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

/**
 * What is looked at before anything else of a request: was it meant for this door, and does it come from a program rather than
 * from a web page that the user happens to look at? Null: it may go on. Holds for every path, also those that do not exist.
 */
export function strangerRefusal(request: IncomingMessage, rules: GuardRules): Refused | null {
  return targetRefusal(request) ?? hostRefusal(request, rules) ?? pageRefusal(request, rules);
}

function targetRefusal({ url = "" }: IncomingMessage): Refused | null {
  // `http://elsewhere/…` and `*` are for proxies.
  return url.startsWith("/") ? null : new Refused(400, "bad_target", "The request's target must be a path");
}

/** DNS rebinding: a page's own name is pointed at this machine, so the browser takes the door for that page's server. */
function hostRefusal(request: IncomingMessage, { allowedHosts }: GuardRules): Refused | null {
  const sent = request.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "host");
  if (sent.length !== 1) return new Refused(400, "bad_host", "One Host header is needed");
  const host = readHost(request.headers.host ?? "");
  if (!host) return new Refused(400, "bad_host", "The Host header is not a host");
  // A tunnel may bring requests from another port; what protects is the name.
  const isAllowed =
    LOCAL_NAMES.has(host.name) ||
    host.name === addressOf(request) ||
    allowedHosts.some((it) => it === host.name || it === `${host.name}:${host.port}`);
  if (isAllowed) return null;
  return new Refused(
    403,
    "host_not_allowed",
    "The Host header names another server. Use the address of this one, or allow the name: tandem serve --allow-host NAME",
  );
}

/** The address a connection came in at; an IPv4 one as such also where the socket speaks both. */
function addressOf({ socket }: IncomingMessage): string {
  return (socket.localAddress ?? "").replace(/^::ffff:/, "").toLowerCase();
}

function pageRefusal({ headers }: IncomingMessage, { allowedOrigins }: GuardRules): Refused | null {
  const { origin } = headers;
  if (origin !== undefined)
    return allowedOrigins.includes(origin)
      ? null
      : new Refused(
          403,
          "origin_not_allowed",
          "Web pages may not ask here. Allow this one's origin: tandem serve --allow-origin ORIGIN",
        );
  // Browsers leave `Origin` out of a page's plain GETs, but say where they come from.
  const site = headers["sec-fetch-site"];
  if (site === undefined || site === "none" || site === "same-origin") return null;
  return new Refused(403, "cross_site", "Web pages may not ask here");
}

const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);

/** Methods and ways of sending that no route here knows. */
export function wireRefusal({ method = "", headers }: IncomingMessage): Refused | null {
  if (!METHODS.has(method)) return notAllowed(method, "GET, HEAD, POST");
  // An offer of HTTP/2 may be passed over, and Java's client makes one with every request.
  if (headers.upgrade !== undefined && headers.upgrade.toLowerCase() !== "h2c")
    return new Refused(400, "no_upgrade", "This server does not change protocols", {
      headers: { connection: "close" },
    });
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== "100-continue")
    return new Refused(417, "bad_expectation", "This server knows only `Expect: 100-continue`");
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    return new Refused(415, "bad_encoding", "Send the body as it is, not compressed");
  return null;
}

export function notAllowed(method: string, allowed: string): Refused {
  return new Refused(405, "method_not_allowed", `${method.slice(0, 20)} is not possible here`, {
    headers: { allow: allowed },
  });
}
