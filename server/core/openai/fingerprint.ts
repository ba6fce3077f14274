/** What vectors depend on. */
export interface VectorOrigin {
  /** The model's file by its content, or the server and the model's name there. */
  readonly source: string;
  /** Null: unknown. */
  readonly quantisation: string | null;
  /** One vector of it; undefined: there is none. */
  readonly vector: readonly number[] | undefined;
}

/** How far from 1 the length of a vector may be that was brought to length 1, in 16-bit floats and rounded to decimals. */
const UNIT_TOLERANCE = 0.01;

/**
 * A name for what makes these vectors: two lists that have the same one can be compared, and an index of one refuses others. It stays the
 * same over restarts. How tokens are pooled is part of the model's file; of a server it is only known that it is the same server and name.
 */
export function fingerprintOf({ source, quantisation, vector = [] }: VectorOrigin): string {
  const length = Math.hypot(...vector);
  const scale = Math.abs(length - 1) < UNIT_TOLERANCE ? "unit" : "raw";
  return [source, quantisation ?? "?", vector.length, scale].join("|");
}
