import { createAffinity } from "../../../server/affinity.ts";
import { route } from "../../../server/core/route/decide.ts";
import { generator } from "../../core/randomRoutes.ts";
import { routable } from "../../core/routable.ts";

/** Conversations that take turns at a few engines. */
export interface Turns {
  readonly engines: number;
  readonly slots: number;
  readonly conversations: number;
  readonly turns: number;
  /** False: nobody remembers who has read what. */
  readonly isRemembered: boolean;
  readonly seed: number;
}

export interface Read {
  /** Characters of all prompts, and how many of them were really read anew. */
  readonly asked: number;
  readonly read: number;
}

/** llama-server's own measure (`--slot-prompt-similarity`). */
const SIMILAR_SHARE = 0.1;
const CHARACTERS_PER_TOKEN = 3.2;

/** An engine with slots as a llama-server has them: each holds the text it read last, kept apart from what `Affinity` believes of it. */
interface Engine {
  readonly id: string;
  held: { text: string; usedAt: number }[];
}

/** How much is read anew when every turn goes where routing sends it. */
export function turns({ engines, slots, conversations, turns: rounds, isRemembered, seed }: Turns): Read {
  const next = generator(seed);
  const affinity = createAffinity();
  const all: Engine[] = Array.from({ length: engines }, (_, at) => ({ id: `e${at}`, held: [] }));
  const system = `system\n${letters(next, 2_000)}`;
  const talks = Array.from({ length: conversations }, () => [system, `user\n${letters(next, 8_000)}`]);
  let [asked, read, at] = [0, 0, 0];
  for (let round = 0; round < rounds; round++)
    for (const talk of talks.map((it) => ({ it, by: next() })).toSorted((a, b) => a.by - b.by)) {
      const texts = talk.it;
      const characters = texts.join("").length;
      const views = all.map((it) => routable(it.id, { slots, cache: it.id, backend: "llama-server" }));
      const made = route({
        ...{ tier: "moderate", isAudited: false, engines: views, draw: next(), outputTokens: 200 },
        promptTokens: Math.ceil(characters / CHARACTERS_PER_TOKEN),
        ...(isRemembered ? affinity.warm(texts, views) : {}),
      });
      const engine = all.find((it) => it.id === made?.draft.engine);
      const view = views.find((it) => it.id === engine?.id);
      if (!engine || !view) throw new Error("nobody was chosen");
      const cached = readIn(engine, texts.join(""), { slots, at: at++ });
      affinity.read(view, texts, Math.floor(cached / CHARACTERS_PER_TOKEN));
      asked += characters;
      read += characters - cached;
      texts.push(`assistant\n${letters(next, 600)}`, `user\n${letters(next, 200)}`);
    }
  return { asked, read };
}

/** Reads a prompt in the slot that holds most of its beginning, else in the one not used for longest; how much it had. */
function readIn(engine: Engine, text: string, { slots, at }: { readonly slots: number; readonly at: number }): number {
  const shared = engine.held.map((it) => sharedLength(it.text, text));
  const most = Math.max(0, ...shared);
  const similar = most >= SIMILAR_SHARE * text.length ? engine.held[shared.indexOf(most)] : undefined;
  const oldest = engine.held.toSorted((a, b) => a.usedAt - b.usedAt)[0];
  const slot = similar ?? (engine.held.length < slots ? undefined : oldest);
  const cached = slot ? sharedLength(slot.text, text) : 0;
  engine.held = [...engine.held.filter((it) => it !== slot), { text, usedAt: at }];
  return cached;
}

function sharedLength(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

function letters(next: () => number, length: number): string {
  let text = "";
  while (text.length < length) text += Math.floor(next() * 36 ** 6).toString(36);
  return text.slice(0, length);
}
