/**
 * The constants that routing goes by, each a number, so that a stored decision can be replayed with another ("what if"). Times are in
 * milliseconds, rates in tokens per second, shares between 0 and 1.
 */
export interface RoutePolicy {
  /** What a failed engine costs in the comparison, per failure since it last worked: about what it takes to find out and to ask another. */
  readonly penaltyMs: number;
  /** What it costs to ask an engine whose breaker lets one request through to see: a failed attempt, found out and mended. */
  readonly probeMs: number;
  /** No engine is reckoned less reliable than this, so that its cost stays a number. */
  readonly leastReliability: number;
  /**
   * Until an engine was measured: reading 1 GB/s of weights gives about 1 token/s per billion 8-bit parameters; a laptop's CPU reads
   * some 30 GB/s, a GPU some 500.
   */
  readonly priorDecodeCpu: number;
  readonly priorDecodeGpu: number;
  /** Prefill is bound by arithmetic, not by memory: measured here at 5 times decode on a CPU, more on a GPU. */
  readonly priorPrefillCpu: number;
  readonly priorPrefillGpu: number;
  /** Until a load was measured, per billion parameters: read from a disk at 1 GB/s, 4-bit weights. */
  readonly priorLoadMsPerB: number;
  /** What an endpoint that does not say its size is taken for, in billions of parameters. */
  readonly unknownB: number;
  /** What an auditor writes of a draft: one verdict, as long as it may be (`VERDICT_TOKENS` of the prompts). That all is well is said in six. */
  readonly auditTokens: number;
  /**
   * What each further stream on an engine adds to everybody's time, as a share of it. llama.cpp on a GPU: its batched-bench sample (LLaMA
   * 7B, F16) writes 41.57 tokens/s alone and 139.43 with 8 streams, each 2.39 times slower: (2.39 - 1) / 7. On a CPU, where decode soon
   * is bound by arithmetic: a llama-server with a 2-bit 1.1B on one thread, 0.55 to 2.4 and 0.85 in the middle of three runs on a machine
   * with other work (`npm run bench:routing -- --contention`).
   */
  readonly contentionCpu: number;
  readonly contentionGpu: number;
  /** vLLM's continuous batching: published sweeps (8B, BF16, A100) find 6.6 times the tokens with 8 streams, each 1.21 times slower. */
  readonly contentionContinuous: number;
  /**
   * What is left of a device's speed, for reckoning with. A card near its limit lowers its clocks, to about half before it is shut off;
   * who is warm may be there before an answer is written. Equal engines are so told apart by their warmth.
   */
  readonly warmShare: number;
  readonly hotShare: number;
  readonly criticalShare: number;
  /**
   * Engines that are done within this much of the best are taken for equals: the moving averages that the reckoning goes by are no more
   * exact (weight 0.3 of the newest: answers that vary by a quarter leave it varying by a tenth), and no person notices a tenth of a second.
   */
  readonly equalShare: number;
  readonly equalMs: number;
  /**
   * From this share of a prompt on that an equal has warm, the prompt belongs there. Below, what all prompts begin with is all there is,
   * and following it would have everybody forget everybody else's: SGLang's router draws the line there too (`cache_threshold`, 0.3).
   */
  readonly affinityShare: number;
}

export const DEFAULT_POLICY: RoutePolicy = {
  penaltyMs: 5_000,
  probeMs: 2_000,
  leastReliability: 0.05,
  priorDecodeCpu: 30,
  priorDecodeGpu: 500,
  priorPrefillCpu: 5,
  priorPrefillGpu: 30,
  priorLoadMsPerB: 600,
  unknownB: 7,
  auditTokens: 80,
  contentionCpu: 0.8,
  contentionGpu: 0.2,
  contentionContinuous: 0.03,
  warmShare: 0.9,
  hotShare: 0.5,
  criticalShare: 0.1,
  equalShare: 0.1,
  equalMs: 100,
  affinityShare: 0.3,
};
