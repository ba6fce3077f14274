/** A value of GGUF metadata. `raw` is put in as it stands, after its type: for headers that lie. */
export type GgufValue =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "uint32"; readonly value: number }
  | { readonly kind: "float32"; readonly value: number }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  | { readonly kind: "uint32s"; readonly value: readonly number[] }
  | { readonly kind: "booleans"; readonly value: readonly boolean[] }
  | { readonly kind: "raw"; readonly type: number; readonly bytes: Buffer };

export type GgufMetadata = Readonly<Record<string, GgufValue>>;

/** A tensor as the header lists it: its data is a hole. */
export interface GgufTensor {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly type: number;
  readonly offset: number | bigint;
}

/** The header of a GGUF file. `pairs` is what it claims to hold. */
export function gguf(
  metadata: GgufMetadata,
  pairs = Object.keys(metadata).length,
  tensors: readonly GgufTensor[] = [],
): Buffer {
  const fields = Object.entries(metadata).map(([key, value]) => Buffer.concat([string(key), encode(value)]));
  const start = [Buffer.from("GGUF"), uint32(3), uint64(tensors.length), uint64(pairs)];
  return Buffer.concat([...start, ...fields, ...tensors.map(info)]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function uint64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function encode(value: GgufValue): Buffer {
  switch (value.kind) {
    case "string":
      return Buffer.concat([uint32(8), string(value.value)]);
    case "uint32":
      return Buffer.concat([uint32(4), uint32(value.value)]);
    case "float32":
      return Buffer.concat([uint32(6), float32(value.value)]);
    case "strings":
      return Buffer.concat([uint32(9), uint32(8), uint64(value.value.length), ...value.value.map(string)]);
    case "uint32s":
      return Buffer.concat([uint32(9), uint32(4), uint64(value.value.length), ...value.value.map(uint32)]);
    case "booleans":
      return Buffer.concat([uint32(9), uint32(7), uint64(value.value.length), Buffer.from(value.value.map(Number))]);
    case "raw":
      return Buffer.concat([uint32(value.type), value.bytes]);
  }
}

function info({ name, dimensions, type, offset }: GgufTensor): Buffer {
  return Buffer.concat([
    string(name),
    uint32(dimensions.length),
    ...dimensions.map(uint64),
    uint32(type),
    uint64(offset),
  ]);
}

function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint64(bytes.length), bytes]);
}
