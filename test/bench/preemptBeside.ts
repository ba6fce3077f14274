import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { GovernRules } from "../../server/core/govern/rules.ts";
import { throwIfAborted } from "../../server/errors.ts";
import type { Engine, OpenEngine, Piece } from "../../server/ports.ts";
import { bench } from "../../server/protocol/benchmark.ts";
import { generate } from "../../server/protocol/requests.ts";
import { gguf } from "../fakes/gguf.ts";
import { startOrchestrator } from "../server/orchestrator.ts";

const TOKEN_MS = 10;
const WORK_TOKENS = 300;
const ANSWER_TOKENS = 40;
const ASKED = 5;

/**
 * How long a person's answers of 40 words take while background work writes on another model of the same device, where each word takes
 * 10 ms for each of those that write at the time.
 */
export async function answersBeside(hasWork: "yes" | "no", rules: GovernRules): Promise<number[]> {
  await using orchestrator = await startOrchestrator({ openEngine: sharing(), rules: () => rules });
  const [drafter, other] = ["drafter.gguf", "other.gguf"].map((it) => join(orchestrator.folder, it));
  const chat = { "tokenizer.chat_template": { kind: "string", value: "{{ messages }}" } } as const;
  for (const it of [drafter, other]) if (it) await writeFile(it, gguf(chat));
  const models = { draft: { model: `file:${drafter}` }, audit: { model: `file:${other}` } };
  const [person, program] = [await orchestrator.connect(models), await orchestrator.connect(models)];
  const ask = () => person.send(generate, { prompt: "Say words", maxTokens: ANSWER_TOKENS });
  await ask();
  const stop = new AbortController();
  const params = { models: [models.audit.model], promptTokens: [16], completionTokens: WORK_TOKENS, repetitions: 5 };
  const work = hasWork === "no" ? null : program.send(bench, params, { signal: stop.signal }).catch(() => undefined);
  const tookMs: number[] = [];
  for (let nth = 0; nth < ASKED; nth++) {
    await wait(600 + 50 * nth);
    const startedMs = performance.now();
    await ask();
    tookMs.push(performance.now() - startedMs);
  }
  stop.abort();
  await work;
  return tookMs;
}

/** Engines of one device that is shared by those that write. */
function sharing(): OpenEngine {
  let writing = 0;
  return async (spec): Promise<Engine> => {
    if (spec.kind !== "embedded") throw new Error("only embedded engines here");
    return {
      ...{ model: { ...spec.model, contextTokens: 4_096 }, device: "cpu", slots: 1, pid: process.pid, serves: [] },
      ...{ relay: null, embed: null, held: null, trim: null, placement: null, gone: new Promise<string>(() => {}) },
      async *generate({ maxTokens }, signal): AsyncGenerator<Piece, void, void> {
        writing++;
        try {
          for (let nth = 0; nth < maxTokens; nth++) {
            await wait(TOKEN_MS * writing);
            throwIfAborted(signal);
            yield { kind: "text", text: "word " };
          }
        } finally {
          writing--;
        }
        const times = { prefillMs: 1, decodeMs: maxTokens * TOKEN_MS, completionTokens: maxTokens };
        yield { kind: "done", finish: "length", promptTokens: 16, cachedTokens: 0, ...times };
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  };
}
