import { join, resolve } from "node:path";
import { TandemError } from "../errors.ts";
import { stateFolder } from "../platform/folders.ts";
import { readPrivateFile } from "../platform/privateFile.ts";
import { rotateKey, serve, status, stop } from "../protocol/requests.ts";
import { ServeParams } from "../protocol/service.ts";
import { wrongFlags } from "./flagIssue.ts";
import type { Out } from "./printer.ts";
import type { Site } from "./site.ts";

/** Flags of `tandem serve`, as node:util's parseArgs wants them. */
export const SERVE_FLAGS = {
  host: { type: "string" },
  port: { type: "string" },
  "tls-cert": { type: "string" },
  "tls-key": { type: "string" },
  "allow-plain": { type: "boolean" },
  "allow-host": { type: "string", multiple: true },
  "allow-origin": { type: "string", multiple: true },
} as const;

export interface ServeFlags {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly "tls-cert"?: string | undefined;
  readonly "tls-key"?: string | undefined;
  readonly "allow-plain"?: boolean | undefined;
  readonly "allow-host"?: readonly string[] | undefined;
  readonly "allow-origin"?: readonly string[] | undefined;
}

/** Flags win over `TANDEM_HTTP_HOST` and `TANDEM_HTTP_PORT`. Throws TandemError bad-input. */
export function toServe(flags: ServeFlags, env: NodeJS.ProcessEnv): ServeParams {
  const port = flags.port ?? env.TANDEM_HTTP_PORT;
  const { "tls-cert": certificate, "tls-key": key } = flags;
  if ((certificate === undefined) !== (key === undefined))
    throw new TandemError("bad-input", "TLS takes two files", "Give both --tls-cert and --tls-key");
  const read = ServeParams.safeParse({
    host: flags.host ?? env.TANDEM_HTTP_HOST,
    port: port === undefined || port === "" ? undefined : Number(port),
    // Relative to here; the orchestrator may have been started anywhere.
    tls: certificate && key ? { certificate: resolve(certificate), key: resolve(key) } : null,
    isPlainAllowed: flags["allow-plain"],
    allowedHosts: flags["allow-host"],
    allowedOrigins: flags["allow-origin"],
  });
  if (!read.success) throw wrongFlags(read.error, NAMES, "serve");
  const { allowedHosts, allowedOrigins } = read.data;
  mustFit(allowedHosts, HOST, ["--allow-host", "a host's name", "--allow-host box.example.org"]);
  mustFit(allowedOrigins, ORIGIN, ["--allow-origin", "a web page's origin", "--allow-origin https://example.org"]);
  return read.data;
}

const NAMES: Readonly<Record<string, string>> = {
  host: "--host (TANDEM_HTTP_HOST)",
  port: "--port (TANDEM_HTTP_PORT)",
  allowedHosts: "--allow-host",
  allowedOrigins: "--allow-origin",
};

/** With a port or without. A URL would never be found in a Host header. */
const HOST = /^[^\s/@?#]+$/;
/** As browsers send it: no path, and no slash at its end. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#]+$/;

/** What no request could match would be allowed in vain. */
function mustFit(
  given: readonly string[],
  form: RegExp,
  [flag, what, example]: readonly [string, string, string],
): void {
  const wrong = given.find((it) => !form.test(it));
  if (wrong !== undefined)
    throw new TandemError("bad-input", `${flag}: "${wrong}" is not ${what}`, `Write it as in: ${example}`);
}

/** Opens the HTTP door and holds it open until Ctrl-C; one that died is opened again by the next orchestrator. */
export async function serveHttp(params: ServeParams, site: Site, out: Out, signal: AbortSignal): Promise<number> {
  const client = await site.client();
  let last = "";
  const listening = client.send(
    serve,
    params,
    ({ url, keyFile, pid }) => {
      const text = `Listening on ${url}/v1 (process ${pid}). The key is in ${keyFile}; print it with: tandem key\n`;
      out.write(last === "" ? text : `Another orchestrator took over. ${text}`);
      last = text;
    },
    signal,
  );
  try {
    await listening;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return 0;
}

/** The key alone on stdout. `rotate` makes a new one first. */
export async function showKey(verb: "show" | "rotate", site: Site, out: Out, signal: AbortSignal): Promise<number> {
  const file =
    verb === "rotate"
      ? (await (await site.client()).send(rotateKey, {}, () => undefined, signal)).keyFile
      : join(stateFolder(), "http-key");
  const key = await readPrivateFile(file);
  if (key === null)
    throw new TandemError("not-configured", "There is no key yet", "Make one with: tandem key rotate, or tandem serve");
  out.write(`${key.trim()}\n`);
  return 0;
}

/** Ends the orchestrator; that there is none is as well. */
export async function stopAll(when: "drained" | "now", site: Site, out: Out, signal: AbortSignal): Promise<number> {
  const client = await site.clientIfRunning();
  if (!client) {
    out.write("No orchestrator runs\n");
    return 0;
  }
  const { clients } = await client.send(status, {}, () => undefined, signal);
  await client.send(stop, { when }, () => undefined, signal);
  const others = clients.filter((it) => !it.isYou).map((it) => `${it.kind} ${it.pid}`);
  const note = others.length === 0 ? "" : `; these clients start another when they need one: ${others.join(", ")}`;
  out.write(`The orchestrator leaves${note}\n`);
  return 0;
}
