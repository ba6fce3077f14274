import { Agent, type IncomingMessage, request } from "node:http";
import OpenAI from "openai";
import type { Contender } from "./contenders.ts";

export interface Paced {
  /** From the request to the first token, per stream. */
  readonly firstMs: readonly number[];
  /** From the backend's writing a token to the client's having it, per token but the first of each stream. */
  readonly tokenMs: readonly number[];
}

export interface PacedLoad {
  readonly streams: number;
  readonly tokens: number;
  readonly everyMs: number;
}

/** Streams through OpenAI's own client, begun evenly over the time that one takes: each begins while the others run. */
export async function paced({ url, key }: Contender, { streams, tokens, everyMs }: PacedLoad): Promise<Paced> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
  const firstMs: number[] = [];
  const tokenMs: number[] = [];
  const one = async (index: number) => {
    await new Promise((resolve) => setTimeout(resolve, (index * tokens * everyMs) / streams));
    const askedMs = nowMs();
    const ask = { ...ASK, stream: true, max_tokens: tokens, bench_every_ms: everyMs } as const;
    let seen = 0;
    for await (const { choices } of await client.chat.completions.create(ask)) {
      const stamp = choices[0]?.delta.content;
      if (!stamp) continue;
      if (seen++ === 0) firstMs.push(nowMs() - askedMs);
      else tokenMs.push(nowMs() - Number(stamp));
    }
    if (seen !== tokens) throw new Error(`${seen} tokens came of ${tokens}`);
  };
  await Promise.all(Array.from({ length: streams }, (_, index) => one(index)));
  return { firstMs, tokenMs };
}

export interface InstantLoad {
  readonly atOnce: number;
  readonly count: number;
  readonly tokens: number;
}

/** How long whole streams take from a backend that has every token at once. A client that does as little as it can. */
export async function instant({ url, key }: Contender, { atOnce, count, tokens }: InstantLoad): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const body = JSON.stringify({ ...ASK, stream: true, max_tokens: tokens });
  const times: number[] = [];
  let left = count;
  const client = async () => {
    while (left-- > 0) {
      const startedMs = nowMs();
      const text = await post({ url: `${url}/v1/chat/completions`, key, agent }, body);
      times.push(nowMs() - startedMs);
      if (text.split("\n\n").length !== tokens + 3) throw new Error(`not all ${tokens} tokens came: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  agent.destroy();
  return times;
}

interface To {
  readonly url: string;
  readonly key: string;
  readonly agent: Agent;
}

async function post({ url, key, agent }: To, body: string): Promise<string> {
  const headers = {
    authorization: `Bearer ${key}`,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  };
  const asked = request(url, { method: "POST", headers, agent });
  const answered = Promise.withResolvers<IncomingMessage>();
  asked.once("response", answered.resolve);
  asked.once("error", answered.reject);
  asked.end(body);
  const answer = await answered.promise;
  let text = "";
  answer.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const ended = Promise.withResolvers<void>();
  answer.once("end", ended.resolve);
  answer.once("error", ended.reject);
  await ended.promise;
  if (answer.statusCode !== 200) throw new Error(`HTTP ${answer.statusCode}: ${text}`);
  return text;
}

/** On the clock that all processes of the machine share. */
function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

const ASK = {
  model: "auto",
  messages: [
    { role: "system" as const, content: "You are a careful programmer." },
    { role: "user" as const, content: "Explain how this function counts the words of a text, and name its limits." },
  ],
};
