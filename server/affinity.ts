import { hash, randomBytes } from "node:crypto";
import { cachedIn, cachedInLast } from "./core/openai/relayed.ts";
import { estimateTokens } from "./core/prompt.ts";
import { bodyTexts, promptTexts } from "./core/promptTexts.ts";
import type { EngineView, Warmth } from "./core/route.ts";
import type { Engine } from "./ports.ts";
import type { RelayReply } from "./relaying.ts";
import type { Lease, Membership } from "./scheduler.ts";

/** Knows which engines have read the beginning of a prompt already, and hold its keys and values still, as far as that can be told. */
export interface Affinity {
  /** What these engines may hold of this prompt's beginning, and would have to forget for it. Next to nothing is left out. */
  warm(texts: readonly string[], engines: readonly EngineView[]): Warmth;
  /** An engine has read this prompt; `cachedTokens`: how much of it it says that it held; null: it does not say. */
  read(engine: EngineView, texts: readonly string[], cachedTokens: number | null): void;
}

/** A prompt is compared in blocks: what differs within one makes it another from there on. */
const BLOCK_CHARACTERS = 1_000;
/** Some 40,000 tokens; what comes behind is not looked at. */
const MOST_BLOCKS = 128;
/** Engines that are remembered, the last used ones. */
const MOST_CACHES = 32;
/** vLLM keeps blocks of whatever was read, as long as there is room. Beyond these prompts nothing is promised. */
const MOST_PROMPTS = 32;
/** Less saves no time worth a mention. */
const LEAST_TOKENS = 32;
/** llama-server goes on in the slot whose prompt begins like this much of the new one (`--slot-prompt-similarity`, 0.1 unless given). */
const SIMILAR_SHARE = 0.1;

/** The end of a block: a name for everything up to there, and how many tokens that are. */
interface Block {
  readonly name: string;
  readonly tokens: number;
}

/** Prompts that an engine holds, the last read one last. */
interface Held {
  prompts: (readonly Block[])[];
}

export function createAffinity(): Affinity {
  // Names of texts are of no use to anybody else.
  const salt = randomBytes(16).toString("base64");
  const caches = new Map<string, Held>();
  return {
    warm(texts, engines) {
      const held = engines.flatMap((it) => {
        const { prompts } = (it.cache && caches.get(it.cache)) || { prompts: [] };
        return prompts.length === 0 ? [] : [{ engine: it, prompts }];
      });
      if (held.length === 0 || texts.length === 0) return { warmTokens: {}, displacedTokens: {} };
      const blocks = blocksOf(texts, salt);
      const found = held.map(({ engine, prompts }) => ({ engine, prompts, shared: longest(prompts, blocks) }));
      return {
        warmTokens: worthwhile(found.map(({ engine, shared }) => [engine.id, shared.tokens])),
        displacedTokens: worthwhile(found.map((it) => [it.engine.id, displaced(it.engine, it, blocks)])),
      };
    },
    read(engine, texts, cachedTokens) {
      if (!engine.cache || texts.length === 0) return;
      const blocks = blocksOf(texts, salt);
      const held = caches.get(engine.cache) ?? { prompts: [] };
      const expected = longest(held.prompts, blocks);
      // It held much less than was expected: others used it too, or it keeps nothing.
      const isForgotten =
        cachedTokens !== null && expected.tokens >= LEAST_TOKENS && cachedTokens < expected.tokens / 4;
      const others = isForgotten ? [] : held.prompts.filter((it) => it !== replaced(engine, expected, blocks));
      held.prompts = [...others, blocks].slice(-mostPrompts(engine));
      // The last used one comes last.
      caches.delete(engine.cache);
      caches.set(engine.cache, held);
      const [oldest] = caches.keys();
      if (caches.size > MOST_CACHES && oldest !== undefined) caches.delete(oldest);
    },
  };
}

function worthwhile(tokens: readonly (readonly [string, number])[]): Record<string, number> {
  return Object.fromEntries(tokens.filter(([, it]) => it >= LEAST_TOKENS));
}

/** What it holds in the place that the prompt would take, beyond what both begin with. */
function displaced(engine: EngineView, { prompts, shared }: HeldAndShared, blocks: readonly Block[]): number {
  const similar = replaced(engine, shared, blocks);
  if (similar) return tokensOf(similar) - shared.tokens;
  const [oldest] = prompts;
  return oldest && prompts.length >= mostPrompts(engine) ? tokensOf(oldest) : 0;
}

interface HeldAndShared extends Held {
  readonly shared: Longest;
}

function tokensOf(blocks: readonly Block[]): number {
  return blocks.at(-1)?.tokens ?? 0;
}

/** llama.cpp holds one prompt for each slot. */
function mostPrompts({ backend, slots }: EngineView): number {
  return backend === "vllm" ? MOST_PROMPTS : Math.max(1, Math.min(MOST_PROMPTS, slots));
}

/** The prompt whose place in memory the new one takes, behind what both begin with; null: it has a place of its own. */
function replaced(
  { backend }: EngineView,
  { prompt, tokens }: Longest,
  blocks: readonly Block[],
): readonly Block[] | null {
  if (backend === "vllm") return null;
  return tokens >= SIMILAR_SHARE * tokensOf(blocks) ? prompt : null;
}

interface Longest {
  readonly prompt: readonly Block[] | null;
  readonly tokens: number;
}

/** The held prompt that shares most of its beginning with this one. */
function longest(prompts: readonly (readonly Block[])[], blocks: readonly Block[]): Longest {
  let best: Longest = { prompt: null, tokens: 0 };
  for (const prompt of prompts) {
    const tokens = sharedTokens(prompt, blocks);
    if (tokens > best.tokens) best = { prompt, tokens };
  }
  return best;
}

/** A block's name stands for all before it: where one is alike, so are those. */
function sharedTokens(a: readonly Block[], b: readonly Block[]): number {
  let [low, high] = [0, Math.min(a.length, b.length)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (a[middle - 1]?.name === b[middle - 1]?.name) low = middle;
    else high = middle - 1;
  }
  return b[low - 1]?.tokens ?? 0;
}

function blocksOf(texts: readonly string[], salt: string): Block[] {
  const blocks: Block[] = [];
  let tokens = 0;
  let name = "";
  for (const text of texts)
    for (let at = 0; at < Math.max(1, text.length); at += BLOCK_CHARACTERS) {
      if (blocks.length >= MOST_BLOCKS) return blocks;
      const block = text.slice(at, at + BLOCK_CHARACTERS);
      // Where a text ends matters: two short ones are not one long one.
      const isEnd = at + BLOCK_CHARACTERS >= text.length;
      name = hash("sha1", `${salt}${name}${isEnd ? "." : ","}${block}`, "base64");
      tokens += estimateTokens(block);
      blocks.push({ name, tokens });
    }
  return blocks;
}

/** The same share in the engines, whose leases tell what their engines read. */
export function remembering(member: Membership, affinity: Affinity): Membership {
  const remember = (lease: Lease): Lease => ({
    ...lease,
    engine: told(lease.engine, () => member.snapshot().find((it) => it.id === lease.id), affinity),
    resume: async (emit, signal) => remember(await lease.resume(emit, signal)),
  });
  return {
    ...member,
    acquire: async (id, emit, signal) => remember(await member.acquire(id, emit, signal)),
    tryAcquire(id) {
      const lease = member.tryAcquire(id);
      return lease && remember(lease);
    },
  };
}

type View = () => EngineView | undefined;

/** Once an answer has begun, its prompt has been read. */
function told(engine: Engine, view: View, affinity: Affinity): Engine {
  const read = (texts: readonly string[], cachedTokens: number | null) => {
    const seen = view();
    if (seen) affinity.read(seen, texts, cachedTokens);
  };
  const { relay } = engine;
  return {
    ...engine,
    generate: (request, signal) =>
      watched(engine.generate(request, signal), (last) => {
        const cached = last.kind === "done" ? last.cachedTokens : null;
        read(promptTexts(request.prompt), cached);
      }),
    relay:
      relay &&
      (async (request, signal): Promise<RelayReply> => {
        const reply = await relay(request, signal);
        const note = (cachedTokens: number | null) => read(bodyTexts(request.body), cachedTokens);
        if (reply.kind === "stream")
          return { ...reply, chunks: watched(reply.chunks, (last) => note(cachedInLast(last))) };
        note(cachedIn({ ...(reply.body ?? {}) }));
        return reply;
      }),
  };
}

/** Calls once with the last of them, however it ends; never where there was none. */
async function* watched<T>(pieces: AsyncIterable<T>, onEnd: (last: T) => void): AsyncIterable<T> {
  let last: { readonly piece: T } | null = null;
  try {
    for await (const piece of pieces) {
      last = { piece };
      yield piece;
    }
  } finally {
    if (last) onEnd(last.piece);
  }
}
