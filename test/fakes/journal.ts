import type { Journal } from "../../server/ports.ts";

/** Forgets everything, as a journal does whose disk refuses. */
export const silentJournal: Journal = {
  lastLife: null,
  intended: [],
  takeIntended: () => false,
  remember: () => undefined,
  forget: () => undefined,
  decided: () => undefined,
  fellBack: () => undefined,
  ended: () => undefined,
  decisions: () => [],
  closeCleanly: () => undefined,
  [Symbol.dispose]: () => undefined,
};
