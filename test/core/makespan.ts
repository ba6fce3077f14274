/** What one line, or one part, costs on either side; in ms. */
export interface Work {
  /** To write it. */
  readonly draftMs: number;
  /** To judge it, without what every part costs besides. */
  readonly auditMs: number;
}

/** A way to cut a draft, and when its audit is done, counted from the draft's first line. */
export interface Chunking {
  readonly ms: number;
  /** How many of the first lines each part has been judged with: the last one is all of them. */
  readonly ends: readonly number[];
}

/**
 * When the last part is judged, where parts are written one after the other and each is judged once it is written and the part before it
 * is judged: T = max over k of (sum of d up to k + sum of a from k), with a_i = fixed + audit_i. A flow shop of two machines whose order
 * is given (S. M. Johnson, "Optimal two- and three-stage production schedules", 1954).
 */
export function makespan(parts: readonly Work[], fixedMs: number): number {
  let writtenMs = 0;
  let judgedMs = 0;
  for (const part of parts) {
    writtenMs += part.draftMs;
    judgedMs = Math.max(judgedMs, writtenMs) + fixedMs + part.auditMs;
  }
  return judgedMs;
}

/**
 * The least makespan over all ways to cut these lines, which nobody can know while they are still being written: the measure of who cuts
 * meanwhile. Exact: to be done earlier with the lines before a cut is never worse, so one time per cut is enough.
 */
export function leastMakespan(lines: readonly Work[], fixedMs: number): Chunking {
  const best: { ms: number; from: number }[] = [{ ms: 0, from: 0 }];
  let writtenMs = 0;
  for (const [at, line] of lines.entries()) {
    writtenMs += line.draftMs;
    let found = { ms: Number.POSITIVE_INFINITY, from: 0 };
    let auditMs = 0;
    for (let from = at; from >= 0; from--) {
      auditMs += lines[from]?.auditMs ?? 0;
      const ms = Math.max(best[from]?.ms ?? 0, writtenMs) + fixedMs + auditMs;
      if (ms < found.ms) found = { ms, from };
    }
    best.push(found);
  }
  const ends: number[] = [];
  for (let end = lines.length; end > 0; end = best[end]?.from ?? 0) ends.unshift(end);
  return { ms: best[lines.length]?.ms ?? 0, ends };
}
