import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { z } from "zod";
import { TandemError } from "../errors.ts";
import type { EmbeddingsResult } from "../protocol/openai.ts";
import { embeddings } from "../protocol/requests.ts";
import type { Client } from "./client.ts";
import { linesOf } from "./lines.ts";
import type { Out, Printer } from "./printer.ts";

interface Flags {
  readonly file?: string | undefined;
  readonly jsonl?: boolean | undefined;
}

/** The texts, or that they come line by line on stdin. */
export type Embedding = { readonly kind: "texts"; readonly texts: readonly string[] } | { readonly kind: "lines" };

/** Texts of one request, as many as OpenAI takes: what is longer goes out in several. */
const MOST_TEXTS = 2_048;
/** Characters of one line of stdin. */
const MOST_LINE = 1_000_000;
/** Numbers of a vector that people are shown. */
const SHOWN = 4;

const Line = z.union([z.string(), z.looseObject({ text: z.string() }).transform(({ text }) => text)]);

/** Each word is a text of its own, and so is a file. Throws TandemError bad-input. */
export async function toEmbedding(words: readonly string[], { file, jsonl }: Flags): Promise<Embedding> {
  if (jsonl === true && (words.length > 0 || file !== undefined))
    throw new TandemError(
      "bad-input",
      "`embed --jsonl` reads its texts from stdin",
      'Give either --jsonl, with one {"text": "…"} or one JSON string per line on stdin, or texts, or --file',
    );
  if (jsonl === true) return { kind: "lines" };
  const texts = [...words, ...(file === undefined ? [] : [await textOf(file)])];
  const empty = texts.findIndex((it) => it.trim() === "");
  if (texts.length === 0 || empty >= 0)
    throw new TandemError(
      "bad-input",
      texts.length === 0 ? "No text was given" : `Text ${empty + 1} of ${texts.length} is empty`,
      'Give texts: tandem embed "read a file" "write a file"; or --file F, or --jsonl',
    );
  return { kind: "texts", texts };
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new TandemError("bad-input", `${file} cannot be read`, "Name a text file that is there", { cause });
  }
}

export interface EmbedDoors {
  readonly client: Client;
  readonly out: Out;
  /** For everything but the vectors. */
  readonly printer: Printer;
  readonly input: Readable;
  readonly isJson: boolean;
}

/** Makes vectors and shows them. Without `--json` people see what they are like; `--jsonl` gives one line for each text and a last one. */
export async function showVectors(asked: Embedding, doors: EmbedDoors, signal: AbortSignal): Promise<void> {
  if (asked.kind === "lines") return showLines(doors, signal);
  const { out, isJson } = doors;
  const made = await makeAll(asked.texts, doors, signal);
  if (isJson) return void out.write(`${JSON.stringify({ ...factsOf(made), vectors: made.flatMap(vectorsOf) })}\n`);
  const all = made.flatMap(vectorsOf);
  const texts = all.length === 1 ? "1 text" : `${all.length} texts`;
  for (const [index, vector] of all.entries())
    out.write(`${index + 1}: ${vector.slice(0, SHOWN).map(short).join(" ")} …\n`);
  const { model, dimensions, latencyMs, fingerprint } = factsOf(made);
  out.write(`${texts}, ${dimensions} numbers each, by ${model} in ${Math.round(latencyMs)} ms\n`);
  out.write(`fingerprint ${fingerprint}\n`);
}

async function makeAll(texts: readonly string[], doors: EmbedDoors, signal: AbortSignal): Promise<EmbeddingsResult[]> {
  const made: EmbeddingsResult[] = [];
  for (let at = 0; at < texts.length; at += MOST_TEXTS)
    made.push(await makeSome(texts.slice(at, at + MOST_TEXTS), doors, signal));
  return made;
}

function makeSome(
  texts: readonly string[],
  { client, printer }: EmbedDoors,
  signal: AbortSignal,
): Promise<EmbeddingsResult> {
  const show: Parameters<typeof client.send<typeof embeddings>>[2] = (event) => {
    if (event.kind !== "decision") printer.event(event);
  };
  return client.send(embeddings, { model: "auto", input: [...texts] }, show, signal);
}

async function showLines(doors: EmbedDoors, signal: AbortSignal): Promise<void> {
  const facts: EmbeddingsResult[] = [];
  let shown = 0;
  let texts: string[] = [];
  const give = async () => {
    if (texts.length === 0) return;
    const made = await makeSome(texts, doors, signal);
    for (const embedding of vectorsOf(made)) await write(doors.out, { index: shown++, embedding });
    texts = [];
    facts.push({ ...made, data: [] });
  };
  let number = 0;
  for await (const line of linesOf(doors.input, MOST_LINE)) {
    number++;
    if (line.trim() === "") continue;
    texts.push(textIn(line, number));
    if (texts.length === MOST_TEXTS) await give();
  }
  await give();
  if (facts.length > 0) await write(doors.out, factsOf(facts));
}

function textIn(line: string, number: number): string {
  const nextStep = 'Give one {"text": "…"} or one JSON string per line';
  const wrong = (what: string, cause?: unknown) =>
    new TandemError("bad-input", `Line ${number} ${what}`, nextStep, { cause });
  if (line.length > MOST_LINE) throw wrong(`is longer than ${MOST_LINE} characters`);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw wrong("is no JSON", cause);
  }
  const read = Line.safeParse(value);
  if (!read.success) throw wrong("has no text", read.error);
  if (read.data.trim() === "") throw wrong("has an empty text");
  return read.data;
}

async function write(out: Out, value: unknown): Promise<void> {
  if (!out.write(`${JSON.stringify(value)}\n`)) await new Promise((resolve) => out.once("drain", resolve));
}

/** What is the same of all parts of a list. Vectors of two models are no list: the model was changed in between. */
function factsOf(made: readonly EmbeddingsResult[]) {
  const [first] = made;
  if (!first) throw new Error("there are no vectors");
  const { fingerprint, dimensions } = first.tandem;
  if (made.some((it) => it.tandem.fingerprint !== fingerprint))
    throw new TandemError("not-configured", "The model was changed while vectors were made", "Run it again");
  return {
    model: first.model,
    dimensions,
    fingerprint,
    latencyMs: made.reduce((sum, it) => sum + it.tandem.latencyMs, 0),
    promptTokens: made.reduce((sum, it) => sum + it.usage.prompt_tokens, 0),
  };
}

function vectorsOf({ data }: EmbeddingsResult): number[][] {
  return data.map(({ embedding }) => (typeof embedding === "string" ? [] : embedding));
}

function short(value: number): string {
  return value.toFixed(4);
}
