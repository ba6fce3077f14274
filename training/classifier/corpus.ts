import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ACTIONS } from "../../server/core/classify/cueScores.ts";
import type { Action } from "../../server/protocol/run.ts";
import { createRandom } from "./random.ts";

/** One request with what it asks for. */
export interface Example {
  readonly instruction: string;
  readonly action: Action;
  /** Requests that are worded alike share one; a split never parts them. */
  readonly family: string;
  readonly errorCount: number;
}

const DATA = join(import.meta.dirname, "data");
/** Of a line with alternatives, so that one template does not outweigh a page of sentences. */
const MOST_OF_A_LINE = 20;
const SEED = 20_260_101;

const SLOTS: Readonly<Record<string, readonly string[]>> = {
  fn: words(`parseRow get_user_by_id calculateTotal retry() fetchData implement() test_runner docBuilder explainPlan fixTypo
    debounce median OrderService.submit render handleClick toCsv main createUser validateEmail mergeSort load_config
    refactorTree describeTable build_index getIssueCount() updateStock my_func foo isPrime reverse sumAll on_message
    gettotalcount setvisiblerows Parser.next init() reset apply_discount normalize quicksort compareDates findById
    renderList create_report tests_dir query_all errorHandler addItem remove_last`),
  cls: words(`UserRepository OrderService TestRunner LinkedList DocumentStore Cart InvoiceController FixedQueue Matrix
    HttpClient Parser Cache ErrorLogger BuildConfig PriceTable Stack Account imageloader taskqueue`),
  kind: words(
    "function method class file module component code struct interface block script test query line loop hook",
  ),
};

/**
 * `training`: what the model learns. `validation`: free-hand sentences that its temperature and its threshold are found with, learnt in
 * the end. `heldout`: never learnt, and what is misread there is not worked on. Whoever does look moves its file to `validation` and
 * writes a new one.
 */
export type Part = "training" | "validation" | "heldout";

/** Every example of a part, alternatives and slots filled; the same ones every time. A part has no sentence that a later part has. */
export function readCorpus(part: Part): Example[] {
  const later: readonly Part[] =
    part === "training" ? ["validation", "heldout"] : part === "validation" ? ["heldout"] : [];
  const reserved = new Set(later.flatMap(readPart).map(keyOf));
  return readPart(part).filter((it) => !reserved.has(keyOf(it)));
}

function readPart(part: Part): Example[] {
  const random = createRandom(SEED);
  const directory = join(DATA, part);
  const files = readdirSync(directory)
    .filter((it) => it.endsWith(".txt"))
    .sort();
  const examples = files.flatMap((file) => readFile(join(directory, file), random));
  const seen = new Set<string>();
  return examples.filter((it) => {
    const key = `${it.errorCount > 0}${keyOf(it)}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Of all that is learnt, whatever the system's line ends. */
export function dataDigest(): string {
  const learnt = [...readCorpus("training"), ...readCorpus("validation")];
  return createHash("sha256").update(JSON.stringify(learnt)).digest("hex").slice(0, 16);
}

/** What counts as the same sentence. */
export function keyOf({ instruction }: Pick<Example, "instruction">): string {
  return instruction
    .toLowerCase()
    .replace(/[\s.?!]+/g, " ")
    .trim();
}

/** A file is for the action it is named by, unless the heads of its families name one: `== [ACTION] FAMILY`. */
function readFile(path: string, random: () => number): Example[] {
  let action = basename(path, ".txt");
  let family = "";
  const examples: Example[] = [];
  for (const line of readFileSync(path, "utf8").split(/\r?\n/)) {
    if (line.trim() === "") continue;
    const head = line.match(/^== (?:(\w+) )?(\S+)$/);
    if (head) {
      action = head[1] ?? action;
      family = head[2] ?? "";
      continue;
    }
    const known = ACTIONS.find((it) => it === action);
    if (known === undefined || family === "") throw new Error(`${path}: "${line}" stands under no family of an action`);
    const [text = "", errors = "0"] = line.split(" @errors=");
    for (const instruction of expanded(text, random))
      examples.push({ instruction, action: known, family: `${known}: ${family}`, errorCount: Number(errors) });
  }
  return examples;
}

/** `[a|b] {slot}` with every choice made by chance, as often as the line has choices, up to a limit. */
function expanded(line: string, random: () => number): string[] {
  const choices = [...line.matchAll(/\[([^\]]*\|[^\]]*)\]/g)].reduce(
    (product, it) => product * (it[1] ?? "").split("|").length,
    /\{\w+\}/.test(line) ? 3 : 1,
  );
  const made = new Set<string>();
  const most = Math.min(MOST_OF_A_LINE, choices);
  for (let tries = 0; made.size < most && tries < most * 5; tries++) made.add(filled(line, random));
  return [...made];
}

function filled(line: string, random: () => number): string {
  const pick = (options: readonly string[]) => options[Math.floor(random() * options.length)] ?? "";
  return line
    .replace(/\[([^\]]*\|[^\]]*)\]/g, (_, options: string) => pick(options.split("|")))
    .replace(/\{(\w+)\}/g, (whole, name: string) => (SLOTS[name] ? pick(SLOTS[name]) : whole))
    .replaceAll("\\n", "\n")
    .replaceAll("\\t", "\t")
    .replace(/ +/g, " ")
    .replace(/ ([,?])/g, "$1")
    .trim();
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
