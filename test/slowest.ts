import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";

const MOST = 10;

/** A reporter for Node's runner: the files that took the longest, with their processes' starts. */
// biome-ignore lint/style/noDefaultExport: Node takes a reporter from there
export default async function* slowest(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files: { readonly ms: number; readonly path: string }[] = [];
  for await (const { type, data } of events)
    if (type === "test:summary" && data.file !== undefined)
      files.push({ ms: data.duration_ms, path: relative(process.cwd(), data.file) });
  const longest = files.toSorted((a, b) => b.ms - a.ms).slice(0, MOST);
  yield longest.map(({ ms, path }) => `${(ms / 1_000).toFixed(1).padStart(6)} s  ${path}\n`).join("");
}
