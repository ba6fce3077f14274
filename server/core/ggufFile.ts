/** A value that a GGUF header holds. Longer texts and arrays than a reader keeps are `skipped`. */
export type GgufValue =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "numbers"; readonly value: readonly number[] }
  | { readonly kind: "skipped"; readonly count: number };

/** A tensor that a GGUF file lists, its size computed from type and dimensions and found to lie within the file. */
export interface GgufTensor {
  readonly name: string;
  readonly type: string;
  readonly dimensions: readonly number[];
  readonly bytes: number;
}

/** What a model's GGUF files say of it; of all its shards together. */
export interface GgufModel {
  readonly values: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufTensor[];
  readonly fileBytes: number;
}
