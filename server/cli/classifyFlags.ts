/** Flags of `tandem classify`, as node:util's parseArgs wants them; apart from the command, which brings the classifier along. */
export const CLASSIFY_FLAGS = { jsonl: { type: "boolean" } } as const;
