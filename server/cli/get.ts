import { createInterface } from "node:readline/promises";
import { TandemError } from "../errors.ts";
import { type Build, builds, getBuild } from "../protocol/builds.ts";
import type { ParamsOf } from "../protocol/define.ts";
import type { Client } from "./client.ts";
import type { Out, Printer } from "./printer.ts";
import { align } from "./table.ts";

/** Flags of `tandem get`. */
export const GET_FLAGS = {
  yes: { type: "boolean" },
  build: { type: "string" },
} as const;

export interface GetShown {
  readonly out: Out;
  readonly printer: Printer;
  readonly isJson: boolean;
}

export type Wanted = Pick<ParamsOf<typeof getBuild>, "id" | "build"> & { readonly isAgreed: boolean };

const BUILDS = ["cuda", "vulkan", "metal", "cpu"] as const;

/** What is to be fetched; null: only the list is asked for. Throws TandemError bad-input. */
export function toWanted(
  words: readonly string[],
  { yes, build }: { readonly yes?: boolean | undefined; readonly build?: string | undefined },
): Wanted | null {
  const [id, ...others] = words;
  const nextStep = "Use `tandem get`, `tandem get cuda` or `tandem get llama-server [--build vulkan]`";
  const kind = BUILDS.find((it) => it === build) ?? null;
  if (build !== undefined && kind === null)
    throw new TandemError("bad-input", `There is no build for "${build}"`, `Give one of ${BUILDS.join(", ")}`);
  if (id === undefined) {
    if (yes === true || kind !== null)
      throw new TandemError("bad-input", "What is to be fetched is not said", nextStep);
    return null;
  }
  if ((id !== "cuda" && id !== "llama-server") || others.length > 0)
    throw new TandemError("bad-input", `There is nothing to be fetched by the name "${words.join(" ")}"`, nextStep);
  return { id, build: kind, isAgreed: yes === true };
}

/** What can be fetched for this machine and what of it is here; and what is to be had elsewhere. */
export async function listBuilds(client: Client, { out, isJson }: GetShown, signal: AbortSignal): Promise<void> {
  const list = await client.send(builds, {}, () => undefined, signal);
  if (isJson) return void out.write(`${JSON.stringify(list)}\n`);
  const rows = list.builds.map((it) => [
    it.id === "cuda" ? "cuda" : `llama-server --build ${it.build}`,
    it.title,
    it.isHere ? "here" : megabytes(it.downloadBytes),
    it.source,
    it.licence,
  ]);
  if (rows.length > 0)
    for (const row of align([["tandem get", "what it is", "download", "from", "licence"], ...rows]))
      out.write(`${row}\n`);
  else out.write("There is nothing to be fetched for this kind of machine.\n");
  for (const { title, trouble, isHere } of list.builds)
    if (trouble && !isHere) out.write(`\n${title}: ${trouble.reason}.\n${trouble.nextStep}.\n`);
  out.write("\nElsewhere:\n");
  for (const row of align(list.elsewhere.map(({ id, what, how }) => [`  ${id}`, what, how]))) out.write(`${row}\n`);
}

/** Says what would come and asks, unless `--yes` agreed beforehand; then fetches. */
export async function fetchBuild(
  { isAgreed, ...wanted }: Wanted,
  client: Client,
  { out, printer, isJson }: GetShown,
  signal: AbortSignal,
): Promise<void> {
  const list = await client.send(builds, {}, () => undefined, signal);
  const found = list.builds.find((it) => it.id === wanted.id && (wanted.build === null || it.build === wanted.build));
  // What is not there or could not be used is told by the orchestrator, in its words.
  if (found && !found.isHere && !found.trouble && !isAgreed) await agree(found, signal);
  const got = await client.send(getBuild, wanted, printer.event, signal);
  if (isJson) return void out.write(`${JSON.stringify({ kind: "result", result: got })}\n`);
  out.write(`${got.title} is in ${got.folder}\n${howToUse(got)}\n`);
}

function howToUse({ program }: Build): string {
  if (program === null) return "The embedded engine uses it from its next load on.";
  return `Use it: --llama-server ${program}, TANDEM_LLAMA_SERVER, or the setting tandem.llamaServer`;
}

/** Throws TandemError: bad-input where nobody can be asked, cancelled where the answer is no. */
async function agree(it: Build, signal: AbortSignal): Promise<void> {
  const what = `${it.title}: ${megabytes(it.downloadBytes)} from ${it.source} (${it.licence}); about ${megabytes(it.unpackedBytes)} in ${it.folder}`;
  if (process.stdin.isTTY !== true)
    throw new TandemError("bad-input", `Nobody can be asked whether to fetch it. ${what}`, "Add --yes to agree");
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await asking.question(`${what}\nFetch it? [y/N] `, { signal });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    asking.close();
  }
  throw new TandemError("cancelled", "Nothing was fetched", "Run it again when you like");
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
