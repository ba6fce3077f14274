interface Listed {
  readonly dtype: string;
  readonly shape: readonly number[];
}

const BYTES: Readonly<Record<string, number>> = { BF16: 2, F16: 2, F32: 4 };

/** A safetensors file with these tensors, all of zeros; `more` is put into its header as it stands, for headers that lie. */
export function safetensors(
  tensors: Readonly<Record<string, Listed>>,
  more: Readonly<Record<string, object>> = {},
): Buffer {
  let at = 0;
  const listed = Object.entries(tensors).map(([name, { dtype, shape }]) => {
    const from = at;
    at += shape.reduce((product, it) => product * it, BYTES[dtype] ?? 1);
    return [name, { dtype, shape, data_offsets: [from, at] }];
  });
  const header = Buffer.from(
    JSON.stringify({ __metadata__: { format: "pt" }, ...Object.fromEntries(listed), ...more }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(at)]);
}
