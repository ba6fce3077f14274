import { TandemError } from "../errors.ts";
import type { Engine, Log } from "../ports.ts";
import type { RelayReply } from "../relaying.ts";

/** One token, or one vector of a word: a slow processor takes seconds for it, and a prompt just given up is still being read. */
export const PROBE_MS = 60_000;

/** A server's work, watched: whether it still writes is asked when it falls silent. */
export interface Pulse {
  readonly generate: Engine["generate"];
  readonly relay: Engine["relay"];
  readonly embed: Engine["embed"];
  /** Resolves when the server is found to do nothing any more, though its process runs; never rejects. */
  readonly stopped: Promise<string>;
  /** One token now. Throws what the server says, or TandemError timeout when nothing comes. */
  probe(signal: AbortSignal): Promise<void>;
}

export interface PulseDeps {
  readonly log: Log;
  readonly use: "write" | "embed";
  /** Whether its health check answers: said beside the verdict, for it is what others would believe. */
  readonly isHealthy: (signal: AbortSignal) => Promise<boolean>;
  readonly probeMs?: number;
  /** What is known better of an error than its words say; absent: nothing is. */
  readonly explain?: (error: unknown) => Promise<unknown>;
}

/**
 * Watches over the requests of one server of ours. A process that runs and a health check that answers say little: schedulers have been
 * seen dead behind both (ollama#17408, llama-swap#946). So after a request that timed out, and when nothing else runs there, one token is
 * asked for; a server that does not give it in time has stopped.
 */
export function createPulse(engine: Pick<Engine, "generate" | "relay" | "embed">, deps: PulseDeps): Pulse {
  const stopped = Promise.withResolvers<string>();
  const { log, probeMs = PROBE_MS } = deps;
  let active = 0;
  let isProbing = false;

  const probe = (signal: AbortSignal) => askOneToken(engine, { use: deps.use, limitMs: probeMs }, signal);

  /** Only a silence counts: a server that answers with an error is alive. */
  async function check(): Promise<void> {
    if (active > 0 || isProbing) return;
    isProbing = true;
    const never = new AbortController().signal;
    try {
      await probe(never);
      log.info("server answers again after a time-out");
    } catch (error) {
      const isSilent =
        error instanceof TandemError && (error.code === "timeout" || error.message.startsWith("Not one"));
      if (!isSilent) return;
      const health = (await deps.isHealthy(never))
        ? "its health check still answers"
        : "its health check does not answer";
      stopped.resolve(`it no longer writes (${health})`);
    } finally {
      isProbing = false;
    }
  }

  /** Counts work and looks after the server when it ends in a time-out. */
  async function* counted<T>(work: AsyncIterable<T>): AsyncGenerator<T, void, void> {
    active++;
    let isSilent = false;
    try {
      yield* work;
    } catch (error) {
      isSilent = error instanceof TandemError && error.code === "timeout";
      throw deps.explain ? await deps.explain(error) : error;
    } finally {
      active--;
      // Nobody waits for it: the request has failed already.
      if (isSilent) void check();
    }
  }

  const { relay, embed } = engine;
  return {
    generate: (request, signal) => counted(engine.generate(request, signal)),
    relay: relay && ((request, signal) => countedRelay(counted, () => relay(request, signal))),
    embed: embed && ((texts, signal) => only(counted(once(() => embed(texts, signal))))),
    stopped: stopped.promise,
    probe,
  };
}

async function askOneToken(
  { generate, embed }: Pick<Engine, "generate" | "embed">,
  { use, limitMs }: { readonly use: "write" | "embed"; readonly limitMs: number },
  signal: AbortSignal,
): Promise<void> {
  const limit = AbortSignal.timeout(limitMs);
  const any = AbortSignal.any([signal, limit]);
  try {
    if (use === "embed") await embed?.(["a"], any);
    else for await (const _ of generate(ONE_TOKEN, any));
  } catch (cause) {
    if (!limit.aborted || signal.aborted) throw cause;
    throw new TandemError(
      "timeout",
      `Not one token came in ${Math.round(limitMs / 1_000)} s`,
      "Run it again; the server is started anew",
      { cause },
    );
  }
}

type Counted = <T>(work: AsyncIterable<T>) => AsyncGenerator<T, void, void>;

/** A stream counts until its last chunk. */
async function countedRelay(counted: Counted, ask: () => Promise<RelayReply>): Promise<RelayReply> {
  const reply = await only(counted(once(ask)));
  return reply.kind === "whole" ? reply : { kind: "stream", chunks: counted(reply.chunks) };
}

async function* once<T>(work: () => Promise<T>): AsyncGenerator<T, void, void> {
  yield await work();
}

async function only<T>(work: AsyncIterable<T>): Promise<T> {
  let result: { readonly value: T } | null = null;
  for await (const value of work) result = { value };
  if (result === null) throw new Error("work ended without a result");
  return result.value;
}

const ONE_TOKEN: Parameters<Engine["generate"]>[0] = {
  prompt: { kind: "text", text: "a" },
  maxTokens: 1,
  temperature: 0,
  topP: 1,
  repeatPenalty: 1,
  seed: 0,
  stop: [],
  shape: null,
};
