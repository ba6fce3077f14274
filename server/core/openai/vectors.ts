import type { EmbeddingsParams, EmbeddingsResult } from "../../protocol/openai.ts";

/** One text to make a vector of: as it is, or as the tokens of a model. */
export type EmbedInput = string | readonly number[];

const FLOAT_BYTES = 4;
/** What an engine's own `embed` takes; anything else is for a server that understands it. */
const KNOWN: ReadonlySet<string> = new Set(["model", "input", "encoding_format", "user"]);

/** The inputs of a request, one for each vector. */
export function inputsOf({ input }: EmbeddingsParams): readonly EmbedInput[] {
  if (typeof input === "string") return [input];
  const items: readonly (string | number | readonly number[])[] = input;
  const tokens = items.filter((it) => typeof it === "number");
  return tokens.length > 0 ? [tokens] : items.filter((it) => typeof it !== "number");
}

/** The first parameter that only a server with its own `/v1/embeddings` can do; null: there is none. */
export function beyondTexts(params: EmbeddingsParams): string | null {
  if (inputsOf(params).some((it) => typeof it !== "string")) return "input";
  const given = Object.entries(params).find(
    ([name, value]) => !KNOWN.has(name) && value !== null && value !== undefined,
  );
  return given?.[0] ?? null;
}

interface VectorList {
  readonly model: string;
  readonly promptTokens: number;
  readonly encoding: "float" | "base64";
  readonly fingerprint: string;
  readonly latencyMs: number;
}

/** Vectors in OpenAI's shape. */
export function embeddingList(
  vectors: readonly (readonly number[])[],
  { model, promptTokens, encoding, ...more }: VectorList,
): EmbeddingsResult {
  const data = vectors.map((vector, index) => ({
    object: "embedding" as const,
    index,
    embedding: encoding === "base64" ? base64Of(vector) : [...vector],
  }));
  const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens };
  return { object: "list", data, model, usage, tandem: { dimensions: vectors[0]?.length ?? 0, ...more } };
}

/** Little-endian 32-bit floats, which is what OpenAI's own clients ask for. */
export function base64Of(vector: readonly number[]): string {
  const bytes = new DataView(new ArrayBuffer(vector.length * FLOAT_BYTES));
  for (const [index, value] of vector.entries()) bytes.setFloat32(index * FLOAT_BYTES, value, true);
  let binary = "";
  for (let at = 0; at < bytes.byteLength; at++) binary += String.fromCharCode(bytes.getUint8(at));
  return btoa(binary);
}
