import { TandemError } from "../errors.ts";
import { BENCH_FLAGS } from "./bench.ts";
import { CLASSIFY_FLAGS } from "./classifyFlags.ts";
import { ESTIMATE_FLAGS } from "./estimateOptions.ts";
import { EVAL_FLAGS } from "./evalOptions.ts";
import { GENERATE_FLAGS } from "./generate.ts";
import { GET_FLAGS } from "./get.ts";
import { LOAD_FLAGS } from "./loading.ts";
import type { Values } from "./options.ts";
import { REGISTER_FLAGS } from "./registry.ts";
import { SERVE_FLAGS } from "./serve.ts";
import { SETTING_FLAGS } from "./settings.ts";
import { SIMULATE_FLAGS } from "./simulateFlags.ts";

/** What any command may be given. */
const COMMON: ReadonlySet<string> = new Set([...Object.keys(SETTING_FLAGS), "json", "help", "version"]);

/** Flags of one command alone. */
const OWN: ReadonlyMap<string, readonly string[]> = new Map([
  ["run", ["action", "file", "range", "apply"]],
  ["generate", Object.keys(GENERATE_FLAGS)],
  ["classify", Object.keys(CLASSIFY_FLAGS)],
  ["embed", ["file", "jsonl"]],
  ["serve", Object.keys(SERVE_FLAGS)],
  ["bench", Object.keys(BENCH_FLAGS)],
  ["eval", [...Object.keys(EVAL_FLAGS), "limit", "seed", "yes"]],
  ["decisions", ["limit", "inputs"]],
  ["replay", ["limit", "set", "file"]],
  ["get", Object.keys(GET_FLAGS)],
  ["gpus", ["watch"]],
  ["load", Object.keys(LOAD_FLAGS)],
  ["register", Object.keys(REGISTER_FLAGS)],
  ["simulate", Object.keys(SIMULATE_FLAGS)],
  ["stop", ["now"]],
  ["estimate", Object.keys(ESTIMATE_FLAGS)],
]);

const WITHOUT_WORDS: ReadonlySet<string> = new Set([
  "status",
  "gpus",
  "doctor",
  "decisions",
  "replay",
  "serve",
  "lsp",
  "stop",
  "demo",
]);

/** A flag or a word that a command would pass over is a mistake: it meant something to whoever typed it. Throws TandemError bad-input. */
export function checkUsage(command: string, words: readonly string[], values: Values): void {
  const nextStep = `See \`tandem help ${command}\``;
  const own = OWN.get(command) ?? [];
  const foreign = Object.keys(values).filter((it) => !COMMON.has(it) && !own.includes(it));
  if (foreign.length > 0) {
    const named = foreign.map((it) => `--${it}`).join(" and ");
    const are = foreign.length === 1 ? "is nothing" : "are nothing";
    throw new TandemError("bad-input", `${named} ${are} that "${command}" knows`, nextStep);
  }
  if (words.length > 0 && WITHOUT_WORDS.has(command))
    throw new TandemError("bad-input", `"${command}" takes no "${words.join(" ")}"`, nextStep);
}
