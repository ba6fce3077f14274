/** How a tensor type of ggml packs its elements: so many to a block, so many bytes a block. */
export interface GgmlType {
  readonly name: string;
  readonly blockElements: number;
  readonly blockBytes: number;
}

/** By their number in a GGUF file. The gaps are formats that llama.cpp has given up. */
const TYPES: ReadonlyMap<number, GgmlType> = new Map(
  (
    [
      [0, "f32", 1, 4],
      [1, "f16", 1, 2],
      [2, "q4_0", 32, 18],
      [3, "q4_1", 32, 20],
      [6, "q5_0", 32, 22],
      [7, "q5_1", 32, 24],
      [8, "q8_0", 32, 34],
      [9, "q8_1", 32, 36],
      [10, "q2_K", 256, 84],
      [11, "q3_K", 256, 110],
      [12, "q4_K", 256, 144],
      [13, "q5_K", 256, 176],
      [14, "q6_K", 256, 210],
      [15, "q8_K", 256, 292],
      [16, "iq2_xxs", 256, 66],
      [17, "iq2_xs", 256, 74],
      [18, "iq3_xxs", 256, 98],
      [19, "iq1_s", 256, 50],
      [20, "iq4_nl", 32, 18],
      [21, "iq3_s", 256, 110],
      [22, "iq2_s", 256, 82],
      [23, "iq4_xs", 256, 136],
      [24, "i8", 1, 1],
      [25, "i16", 1, 2],
      [26, "i32", 1, 4],
      [27, "i64", 1, 8],
      [28, "f64", 1, 8],
      [29, "iq1_m", 256, 56],
      [30, "bf16", 1, 2],
      [34, "tq1_0", 256, 54],
      [35, "tq2_0", 256, 66],
      [39, "mxfp4", 32, 17],
      [40, "nvfp4", 64, 36],
      [41, "q1_0", 128, 18],
      [42, "q2_0", 64, 18],
    ] as const
  ).map(([id, name, blockElements, blockBytes]) => [id, { name, blockElements, blockBytes }]),
);

/** Null: a type that llama.cpp does not know either. */
export function ggmlType(id: number): GgmlType | null {
  return TYPES.get(id) ?? null;
}

/** The type of that name, such as `q4_K`; null when there is none. */
export function ggmlTypeNamed(name: string): GgmlType | null {
  return [...TYPES.values()].find((it) => it.name === name) ?? null;
}

/** Bytes of one tensor. Null: a size that no tensor of this type can have, or that is beyond all memory. */
export function tensorBytes(dimensions: readonly number[], type: GgmlType): number | null {
  const [row = 1] = dimensions;
  if (row % type.blockElements !== 0) return null;
  const elements = dimensions.reduce((product, it) => product * it, 1);
  const bytes = (elements / type.blockElements) * type.blockBytes;
  return Number.isSafeInteger(elements) && Number.isSafeInteger(bytes) ? bytes : null;
}
