import { connect } from "node:net";
import { abortError } from "../errors.ts";
import type { Clock, Log } from "../ports.ts";
import type { Config } from "../protocol/config.ts";
import type { FoundServer } from "../protocol/registry.ts";
import { ask } from "./ask.ts";
import { type Answers, identify, PATHS } from "./identify.ts";
import { isSomebodyElses } from "./listener.ts";

/** Servers that run already, as last found. */
export interface Discovery {
  /** What is known now. Where that is old it is looked at again, and nobody waits for it. */
  servers(): readonly FoundServer[];
  /** The same, once the first look is over; it is waited for half a second and no longer. */
  known(): Promise<readonly FoundServer[]>;
  /** Looks, and resolves with what there is; one round at a time, shared by all who ask meanwhile. */
  look(signal: AbortSignal): Promise<readonly FoundServer[]>;
  /** Whether the server at this address is there at this moment. */
  isThere(url: string): Promise<boolean>;
  /** Called when something else was found than before. Stop by disposing. */
  listen(listener: () => void): Disposable;
}

export interface DiscoveryDeps {
  readonly config: () => Pick<Config, "hosts" | "discovery">;
  readonly clock: Clock;
  readonly log: Log;
  /** Of this machine; tests have their own. */
  readonly ports?: readonly number[];
  /** How long one server may take to answer in all. */
  readonly answerMs?: number;
}

/** Where Ollama, llama-server, vLLM and LM Studio listen if nobody says otherwise. */
export const USUAL_PORTS = [11_434, 8_080, 8_000, 1_234] as const;

/** A server of this machine or network takes a connection in a few milliseconds; one that does not is not waited for. */
const CONNECT_MS = 300;
/** Who loads a model waits so long to hear that it is there already. */
const FIRST_MS = 500;
/** For all its answers together. */
const ANSWER_MS = 1_500;

export function createDiscovery({
  config,
  clock,
  log,
  ports = USUAL_PORTS,
  answerMs = ANSWER_MS,
}: DiscoveryDeps): Discovery {
  const listeners = new Set<() => void>();
  let found: readonly FoundServer[] = [];
  let lookedMs: number | null = null;
  let round: Promise<readonly FoundServer[]> | null = null;

  async function lookOnce(): Promise<readonly FoundServer[]> {
    const addresses = addressesOf(config(), ports);
    const each = await Promise.all(addresses.map((it) => probe(it, answerMs)));
    const before = JSON.stringify(found);
    found = each.filter((it) => it !== null);
    lookedMs = clock.nowMs();
    if (JSON.stringify(found) === before) return found;
    log.info("servers found", { servers: found.map((it) => `${it.kind} at ${it.url}, ${it.models.length} models`) });
    for (const it of listeners) it();
    return found;
  }

  function begin(): Promise<readonly FoundServer[]> {
    round ??= lookOnce().finally(() => {
      round = null;
    });
    return round;
  }

  function servers(): readonly FoundServer[] {
    const everyMs = config().discovery.everySeconds * 1_000;
    if (lookedMs === null || clock.nowMs() - lookedMs > everyMs) void begin(); // it never fails
    return found;
  }

  return {
    servers,
    async known() {
      if (lookedMs !== null) return servers();
      const limit = Promise.withResolvers<void>();
      const timer = setTimeout(limit.resolve, FIRST_MS);
      await Promise.race([begin(), limit.promise]);
      clearTimeout(timer);
      return found;
    },
    async look(signal) {
      const { promise, reject } = Promise.withResolvers<never>();
      const onAbort = () => reject(abortError(signal));
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      try {
        return await Promise.race([begin(), promise]);
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
    isThere: (url) => accepts(new URL(url)),
    listen(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

/** Addresses of servers, without a slash at the end, each once. */
function addressesOf({ hosts, discovery }: Pick<Config, "hosts" | "discovery">, ports: readonly number[]): string[] {
  const own = discovery.isLoopbackProbed ? ports.map((port) => `http://127.0.0.1:${port}`) : [];
  return [...new Set([...own, ...hosts.map((it) => new URL(it).origin)])];
}

/** Null: nobody there, or nothing that is known. */
async function probe(address: string, answerMs: number): Promise<FoundServer | null> {
  const url = new URL(address);
  if (!(await accepts(url))) return null;
  const limit = AbortSignal.timeout(answerMs);
  const said = await Promise.all(PATHS.map(async (path) => [path, await ask(`${address}${path}`, limit)] as const));
  const identified = identify(Object.fromEntries(said) as Answers);
  if (!identified) return null;
  const isForeign = isLoopback(url) && (await isSomebodyElses(portOf(url)));
  return { url: address, isForeign, ...identified };
}

async function accepts(url: URL): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ""), port: portOf(url) });
  const timer = setTimeout(() => resolve(false), CONNECT_MS);
  socket.on("connect", () => resolve(true));
  socket.on("error", () => resolve(false));
  const isOpen = await promise;
  clearTimeout(timer);
  socket.destroy();
  return isOpen;
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === "https:" ? 443 : 80);
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}
