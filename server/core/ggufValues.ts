import type { GgufModel } from "./ggufFile.ts";

/** The values of one architecture. A file may give a number for all layers, or one for each. */
export interface Values {
  readonly architecture: string;
  /** A number, or numbers, under `ARCHITECTURE.key`; null when there is none that could be one. */
  list(key: string): readonly number[] | null;
  /** Whether attention keeps one compressed vector instead of keys and values (MLA). */
  readonly isLatent: boolean;
}

export function valuesOf(values: GgufModel["values"], architecture: string): Values {
  const list = (key: string) => {
    const value = values.get(`${architecture}.${key}`);
    const numbers = value?.kind === "number" ? [value.value] : value?.kind === "numbers" ? value.value : [];
    return numbers.length > 0 && numbers.every(isUsable) ? numbers : null;
  };
  const has = (key: string) => (list(key)?.[0] ?? 0) > 0;
  return {
    architecture,
    list,
    isLatent: has("attention.key_length_mla") && has("attention.value_length_mla"),
  };
}

/** The number for all layers, or the first one's; null when there is none. */
export function numberAt(values: Values, key: string): number | null {
  return values.list(key)?.[0] ?? null;
}

/** The number for one layer; null when there is none. */
export function numberOfLayer(values: Values, key: string, layer: number): number | null {
  const list = values.list(key);
  if (list === null) return null;
  return (list.length === 1 ? list[0] : list[layer]) ?? null;
}

/** Widths and counts are whole; beyond this, products of them would no longer be exact. */
const MAX_NUMBER = 1 << 30;

function isUsable(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_NUMBER;
}
