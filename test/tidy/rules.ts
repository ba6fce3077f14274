import type { SourceFile, Tree } from "./tree.ts";

export const MOST_LINES = 300;

/** Files in import cycles, types counted: who can be read without whom must be clear. */
export function cycles({ sources }: Tree): string[] {
  const graph = new Map(sources.map((it) => [it.path, it.imports.map(({ to }) => to)]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(" -> "));
    if (start >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) if (graph.has(next)) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

export function sizes({ sources }: Tree): string[] {
  return sources.filter((it) => it.lines > MOST_LINES).map((it) => `${it.path}: ${it.lines} lines`);
}

/** Of the product's files, without the tests. */
export function medianLines({ sources }: Tree): number {
  const lines = sources.filter(isProduct).map((it) => it.lines);
  return lines.sort((a, b) => a - b)[Math.floor(lines.length / 2)] ?? 0;
}

/** Node takes a reporter from a default export and nowhere else. */
const REPORTER = "test/slowest.ts";

/** Default exports have no name to look for, and barrels hide where a thing is. */
export function exports({ sources }: Tree): string[] {
  return sources.flatMap((it) => [
    ...(it.hasDefaultExport && it.path !== REPORTER ? [`${it.path}: a default export`] : []),
    ...(it.hasReExport ? [`${it.path}: exports what another file has`] : []),
  ]);
}

/** stdout belongs to the protocol, and everything else to the log. */
export function consoles({ sources }: Tree): string[] {
  return sources.filter((it) => isProduct(it) && it.usesConsole).map((it) => `${it.path}: console`);
}

/** The core and the protocol are values in, value out. */
export function purity({ sources }: Tree): string[] {
  const pure = sources.filter((it) => /^server\/(core|protocol)\//.test(it.path));
  return pure.flatMap((it) => {
    const modules = it.imports.filter(({ to }) => to.startsWith("node:")).map(({ to }) => to);
    return [...modules, ...it.impurities].map((what) => `${it.path}: ${what}`);
  });
}

function isProduct(file: SourceFile): boolean {
  return !file.path.startsWith("test/");
}
