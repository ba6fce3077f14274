import { type Privacy, textsOfRequest } from "../core/cloud.ts";
import { TandemError, throwIfAborted } from "../errors.ts";
import type { Engine, GenerateRequest, OpenEngine } from "../ports.ts";
import type { RelayRequest } from "../relaying.ts";

/**
 * The last look at what is sent to a provider in the cloud: whoever asks, and whatever was decided before, the very text of the request
 * is looked through, and nothing goes that looks like a secret. Paths and tiers are looked at where a task is routed.
 */
export function guardCloud(open: OpenEngine, privacy: Privacy): OpenEngine {
  return async (spec, signal) => {
    const engine = await open(spec, signal);
    return spec.kind === "endpoint" && spec.isCloud ? guarded(engine, privacy) : engine;
  };
}

function guarded(engine: Engine, privacy: Privacy): Engine {
  const { relay } = engine;
  async function check(texts: readonly string[], signal: AbortSignal): Promise<void> {
    const verdict = await privacy.judge({ texts, uris: [], keepLocal: [], arePathsInTexts: false });
    throwIfAborted(signal);
    if (verdict.kind === "kept") throw withheld(verdict.why);
  }
  return {
    ...engine,
    async *generate(request, signal) {
      await check(textsOf(request), signal);
      yield* engine.generate(request, signal);
    },
    relay:
      relay &&
      (async (request, signal) => {
        const found = textsOfRequest(request.body);
        if (found.kind === "unreadable") throw withheld(`${found.what} cannot be checked for secrets`);
        await check([...found.texts, ...begunElsewhere(request)], signal);
        return relay(request, signal);
      }),
    // An index of everything there is, sent piece by piece, is nothing that a tier could stand for.
    embed: null,
  };
}

function textsOf({ prompt, continues, stop, shape }: GenerateRequest): string[] {
  const asked = prompt.kind === "chat" ? prompt.messages.map((it) => it.content) : [prompt.text];
  // What is asked and what is there of the answer are sent as one text.
  const begun = continues === undefined ? [] : [continues, `${asked.at(-1) ?? ""}${continues}`];
  return [...asked, ...begun, ...stop, JSON.stringify(shape)];
}

/** What is there of an answer that goes on at the provider, by itself and behind the text or the turn that it belongs to. */
function begunElsewhere({ body, goesOn }: RelayRequest): string[] {
  if (!goesOn) return [];
  const found = textsOfRequest({ last: [body.messages].flat().at(-1) ?? body.prompt });
  const before = found.kind === "texts" ? found.texts : [];
  return [goesOn.text, ...before.map((it) => `${it}${goesOn.text}`)];
}

function withheld(why: string): TandemError {
  return new TandemError("disabled", `The request was not sent to the cloud: ${why}`, "Ask a model of this machine", {
    details: { isPrivate: true },
    isRetryable: false,
  });
}
