/** Flags about stored decisions, as node:util's parseArgs wants them; apart from the commands, which bring routing along. */
export const REPLAY_FLAGS = {
  /** `name=number` of the policy, again for more. */
  set: { type: "string", multiple: true },
  /** With all that each decision was made from. */
  inputs: { type: "boolean" },
} as const;
