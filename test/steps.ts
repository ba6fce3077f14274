import { glob } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";

/** A part of `npm test`. Programs are named as npm's scripts would: found beside the packages. */
export type Step = Check | Tests;

/** Passes or fails as a whole. */
export interface Check {
  readonly kind: "check";
  readonly title: string;
  /** Run one after the other. */
  readonly commands: readonly (readonly string[])[];
}

/** Runs tests and says at its end how many passed. */
export interface Tests {
  readonly kind: "tests";
  readonly title: string;
  readonly command: readonly string[];
  /** The test files it is given; empty for a runner that knows its own. */
  readonly files: { readonly under: string; readonly not: readonly string[] } | null;
  /**
   * Without a word for so long it hangs and is ended; without this, only its step's time ends it. Node's runner shows files in their order:
   * it falls silent at the one that hangs, and names it when it is ended.
   */
  readonly mostSilentMs?: number;
  /** Why it cannot run on a system; said, and no failure. */
  readonly notOn?: Readonly<Partial<Record<NodeJS.Platform, string>>>;
  /** Runs while the step before it does: it waits more than it computes. */
  readonly isBeside?: true;
}

const ENGINE = "engine";
const HOST = "host";
/** Node itself leaves one core to its runner, which has little to do. */
const ALL_CORES = `--test-concurrency=${availableParallelism()}`;
/** Most engines are loaded with one thread; more than two at once would want much memory. */
const TWO = "--test-concurrency=2";
/** The longest unit test takes some ten seconds; on a machine with ten times as much to do it still ends before this. */
const MOST_UNIT_MS = 3 * 60_000;
const MOST_SILENT_UNITS_MS = 5 * 60_000;
/** The first time, a test waits for the build of llama-server. */
const MOST_ENGINE_MS = 25 * 60_000;

/** Cheap ones first: the first that fails is the last that runs. */
export const steps: readonly Step[] = [
  {
    kind: "check",
    title: "types",
    commands: [
      ["tsc", "-p", "."],
      ["tsc", "-p", "webview"],
    ],
  },
  { kind: "check", title: "format and lint", commands: [["biome", "ci", "."]] },
  {
    kind: "check",
    title: "bundles",
    commands: [
      ["node", "esbuild.mjs"],
      ["node", "esbuild.mjs", "--minified"],
    ],
  },
  {
    kind: "tests",
    title: "units, the server and the doors to it",
    command: ["node", "--test", ALL_CORES, `--test-timeout=${MOST_UNIT_MS}`],
    files: { under: "**", not: [ENGINE, HOST, "fixtures"] },
    mostSilentMs: MOST_SILENT_UNITS_MS,
  },
  {
    kind: "tests",
    title: "engines with real models",
    command: ["node", "--test", TWO, `--test-timeout=${MOST_ENGINE_MS}`],
    files: { under: `${ENGINE}/**`, not: [] },
  },
  {
    kind: "tests",
    title: "a real VS Code",
    command: ["node", "test/host/run.ts"],
    files: null,
    notOn: { win32: "code-server, the VS Code these tests drive, does not run on Windows; in WSL they run" },
  },
];

/** Steps that run at the same time, in their order. */
export function groupsOf(all: readonly Step[]): Step[][] {
  const groups: Step[][] = [];
  for (const step of all) {
    const last = groups.at(-1);
    if (last && step.kind === "tests" && step.isBeside) last.push(step);
    else groups.push([step]);
  }
  return groups;
}

/** The test files a step runs, from the root of the checkout. */
export async function testFilesOf(step: Step, root: string): Promise<string[]> {
  if (step.kind === "check" || step.files === null) return [];
  const { under, not } = step.files;
  const exclude = not.map((it) => `${it}/**`);
  const found = await Array.fromAsync(glob(`${under}/*.test.ts`, { cwd: join(root, "test"), exclude }));
  return found.map((it) => `test/${it.replaceAll("\\", "/")}`).sort();
}
