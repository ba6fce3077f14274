/** A share with the bounds between which it lies with 95 % confidence. */
export interface Share {
  readonly share: number;
  readonly least: number;
  readonly most: number;
}

/** The normal distribution's 97.5 % point, for two-sided 95 % intervals. */
const Z = 1.959963984540054;

/**
 * Wilson's score interval (E. B. Wilson, JASA 22, 1927): holds its level for small numbers and for shares near 0 and 1, where the usual
 * one does not. Null without trials.
 */
export function wilson(successes: number, trials: number): Share | null {
  if (trials === 0) return null;
  const share = successes / trials;
  const centre = share + Z ** 2 / (2 * trials);
  const half = Z * Math.sqrt((share * (1 - share)) / trials + Z ** 2 / (4 * trials ** 2));
  const scale = 1 + Z ** 2 / trials;
  // Exact at the ends: rounding must not give a bound beyond the share itself.
  const least = successes === 0 ? 0 : (centre - half) / scale;
  const most = successes === trials ? 1 : (centre + half) / scale;
  return { share, least, most };
}

/**
 * McNemar's test in its exact form: how likely it is that pairs which differ split at least so unevenly when neither side is better.
 * Twice the smaller tail of the binomial distribution with p = 1/2, at most 1. Works for thousands of pairs without overflow.
 */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  const pairs = onlyFirst + onlySecond;
  const fewer = Math.min(onlyFirst, onlySecond);
  // As logarithms: 2^-pairs is zero beyond a thousand of them.
  let logTerm = -pairs * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= fewer; k++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log(pairs - k) - Math.log(k + 1);
  }
  return Math.min(1, 2 * tail);
}

/** How often two judges said yes or no to the same things. */
export interface Agreement {
  readonly bothYes: number;
  readonly bothNo: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
}

/** The share of what both judged alike. Null when they judged nothing. */
export function agreementOf({ bothYes, bothNo, onlyFirst, onlySecond }: Agreement): number | null {
  const all = bothYes + bothNo + onlyFirst + onlySecond;
  return all === 0 ? null : (bothYes + bothNo) / all;
}

/**
 * Cohen's kappa (Educational and Psychological Measurement 20, 1960): agreement beyond what chance would give; 1 is perfect, 0 none.
 * Null where chance alone agrees always, as when both say yes to everything.
 */
export function cohensKappa(it: Agreement): number | null {
  const observed = agreementOf(it);
  if (observed === null) return null;
  const all = it.bothYes + it.bothNo + it.onlyFirst + it.onlySecond;
  const firstYes = (it.bothYes + it.onlyFirst) / all;
  const secondYes = (it.bothYes + it.onlySecond) / all;
  const byChance = firstYes * secondYes + (1 - firstYes) * (1 - secondYes);
  return byChance === 1 ? null : (observed - byChance) / (1 - byChance);
}

/** The middle value, or the mean of the two in the middle; null when there are none. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}
