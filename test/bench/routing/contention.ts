import { z } from "zod";
import { startLlamaServer } from "../../setup/llamaServer.ts";

const Answer = z.object({ timings: z.object({ predicted_per_second: z.number() }) });
const TOKENS = 24;
const REPEATED = 3;

/** What a second stream adds to everybody's time at a llama-server on this processor: the policy's `contentionCpu`. */
export async function measureContention(say: (text: string) => void): Promise<void> {
  await using server = await startLlamaServer(AbortSignal.timeout(300_000));
  const rate = async (streams: number) => {
    const answers = await Promise.all(
      Array.from({ length: streams }, (_, at) => write(server.url, `Once upon a time ${at}`)),
    );
    return answers.reduce((sum, it) => sum + it, 0) / streams;
  };
  await rate(1);
  const shares: number[] = [];
  say("\ncontention: tokens/s of each stream      one      two   each more adds");
  for (let nth = 0; nth < REPEATED; nth++) {
    const [one, two] = [await rate(1), await rate(2)];
    shares.push(one / two - 1);
    say(
      `  run ${nth + 1}${one.toFixed(1).padStart(37)}${two.toFixed(1).padStart(9)}${(one / two - 1).toFixed(2).padStart(17)}`,
    );
  }
  shares.sort((a, b) => a - b);
  say(`  the middle: ${shares[Math.floor(shares.length / 2)]?.toFixed(2)}`);
}

async function write(url: string, prompt: string): Promise<number> {
  const body = JSON.stringify({ prompt, n_predict: TOKENS, ignore_eos: true, cache_prompt: false, temperature: 0 });
  const reply = await fetch(`${url}/completion`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });
  return Answer.parse(await reply.json()).timings.predicted_per_second;
}
