import { stat } from "node:fs/promises";
import type { Shape } from "./shape.ts";

/** What a llama-server is told to load beside its model, by the user's own arguments. */
export interface Beside {
  /** A smaller model that drafts ahead. */
  readonly draft: Shape | null;
  /** Adapters, and what makes pictures into tokens: each as large as its file. */
  readonly bytes: number;
}

const DRAFT: ReadonlySet<string> = new Set(["--model-draft", "-md"]);
const FILES: ReadonlySet<string> = new Set(["--lora", "--lora-scaled", "--control-vector", "--mmproj", "-mm"]);
/** More of them than anybody loads are not looked at. */
const MOST = 32;

/** By what stands behind the flags; a file that there is not is the server's to complain of. */
export async function besideOf(
  extraArguments: readonly string[],
  shapeOf: (path: string, signal: AbortSignal) => Promise<Shape>,
  signal: AbortSignal,
): Promise<Beside> {
  const pairs = extraArguments.slice(0, -1).map((flag, at) => ({ flag, path: extraArguments[at + 1] ?? "" }));
  const draftPath = pairs.find((it) => DRAFT.has(it.flag))?.path;
  const files = pairs.filter((it) => FILES.has(it.flag)).slice(0, MOST);
  // A scale may come with the path: "adapter.gguf:0.5".
  const sizes = files.map(({ path }) => sizeOf(path.replace(/:[\d.]+$/, "")));
  const draft = draftPath !== undefined && (await isFile(draftPath)) ? await shapeOf(draftPath, signal) : null;
  const bytes = (await Promise.all(sizes)).reduce((sum, it) => sum + it, 0);
  return { draft, bytes: bytes + (draft !== null && draft.model === null ? draft.bytes : 0) };
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}
