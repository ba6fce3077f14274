/** By what the governor decides; each may be set by the user. */
export interface GovernRules {
  /** A model just loaded is not unloaded for another one's sake before this, so that two do not chase each other out. */
  readonly minResidencyMs: number;
  /** Nobody waits longer than this because requests for loaded models go first; after it, room is made for him. */
  readonly maxPassedOverMs: number;
  /** An idle model's keys and values go after this; 0: never. */
  readonly trimAfterMs: number;
  /** An idle model is unloaded after this; 0: never. */
  readonly unloadAfterMs: number;
  /** Under moderate pressure idle models go after this, under high pressure after that. */
  readonly moderateIdleMs: number;
  readonly highIdleMs: number;
  /** Under critical pressure a busy model's requests get this long. */
  readonly graceMs: number;
  /** How long a device may take to show memory as free after an unload; then what is not shown counts as somebody else's. */
  readonly settleMs: number;
  /** Requests that may wait for one model. */
  readonly mostWaiting: number;
  /** Work whose turn was ended so often for more urgent work keeps the next one; 0: no turn is ended. */
  readonly mostPreemptions: number;
  /** The same for background work, which nobody waits for. */
  readonly mostBackgroundPreemptions: number;
  /** Whether background work on a device waits, and gives way, while another model there answers somebody who waits for it. */
  readonly besideInteractive: "waits" | "runs";
  /** Of the device's memory, kept free beside its reserve while its readings are stale or broken; not from one model alone where broken. */
  readonly blindShare: number;
}

/**
 * Seed 003 gives 300 s idle, 120 and 30 s under pressure, and 5 s of grace; the others are argued for where they are used.
 * A task is ended three times at most: each costs it a prefill, and a fourth would cost its user more than one more wait costs the other.
 * Of background work ten times is as long as it waits beyond others (`BACKGROUND_PATIENCE`); measured by `npm run bench:preempt`, every
 * turn that it keeps is one in which a person waits to its end.
 */
export const GOVERN_RULES: GovernRules = {
  minResidencyMs: 10_000,
  maxPassedOverMs: 30_000,
  trimAfterMs: 60_000,
  unloadAfterMs: 300_000,
  moderateIdleMs: 120_000,
  highIdleMs: 30_000,
  graceMs: 5_000,
  settleMs: 5_000,
  mostWaiting: 64,
  mostPreemptions: 3,
  mostBackgroundPreemptions: 10,
  besideInteractive: "waits",
  blindShare: 0.1,
};
