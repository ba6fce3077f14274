/** A value of GGUF metadata. `raw` is put in as it stands, after its type: for headers that lie. */
export type GgufValue =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "uint32"; readonly value: number }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  | { readonly kind: "raw"; readonly type: number; readonly bytes: Buffer };

/** The header of a GGUF file, without tensors. */
export function gguf(metadata: Readonly<Record<string, GgufValue>>, pairs = Object.keys(metadata).length): Buffer {
  const fields = Object.entries(metadata).map(([key, value]) => Buffer.concat([string(key), encode(value)]));
  return Buffer.concat([Buffer.from("GGUF"), uint32(3), uint64(0), uint64(pairs), ...fields]);
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
    case "strings":
      return Buffer.concat([uint32(9), uint32(8), uint64(value.value.length), ...value.value.map(string)]);
    case "raw":
      return Buffer.concat([uint32(value.type), value.bytes]);
  }
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint64(bytes.length), bytes]);
}
