/** How fast the two sides are, as far as is known at the moment. */
export interface Pace {
  /** To write one character. */
  readonly draftMsPerCharacter: number;
  /** To read one character of a part. */
  readonly auditMsPerCharacter: number;
  /** What a part costs besides its text: the request, its template, the verdict. */
  readonly fixedMs: number;
}

/** A moment at which the auditor has nothing to do. */
export interface Horizon {
  readonly pace: Pace;
  /** When the auditor is free, from now on. */
  readonly freeInMs: number;
  /** Written and not handed over. */
  readonly heldCharacters: number;
  /** Whether what is held can be handed over as it is, or only together with what comes next. */
  readonly isHeldCuttable: boolean;
  /** Still to be written, as far as one can tell. */
  readonly remainingCharacters: number;
}

/** Into how many steps the text that is still to come is divided: finer says no more, since its length is a guess. */
const STEPS = 32;

/**
 * How long it takes from now until everything is judged, if all goes as expected and the rest is cut as well as can be. The same
 * dynamic programming as in `leastMakespan`, over steps instead of lines.
 */
export function outlook({ pace, freeInMs, heldCharacters, isHeldCuttable, remainingCharacters }: Horizon): number {
  const points: { characters: number; atMs: number }[] = [];
  if (isHeldCuttable && heldCharacters > 0) points.push({ characters: heldCharacters, atMs: 0 });
  for (let step = 1; step <= STEPS && remainingCharacters > 0; step++) {
    const further = (remainingCharacters * step) / STEPS;
    points.push({ characters: heldCharacters + further, atMs: further * pace.draftMsPerCharacter });
  }
  if (points.length === 0 && heldCharacters > 0) points.push({ characters: heldCharacters, atMs: 0 });
  const best = [{ characters: 0, ms: freeInMs }];
  for (const point of points) {
    let ms = Number.POSITIVE_INFINITY;
    for (const before of best) {
      const auditMs = pace.fixedMs + (point.characters - before.characters) * pace.auditMsPerCharacter;
      ms = Math.min(ms, Math.max(before.ms, point.atMs) + auditMs);
    }
    best.push({ characters: point.characters, ms });
  }
  return best.at(-1)?.ms ?? freeInMs;
}
