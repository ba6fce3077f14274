import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createJournal } from "../../server/journal/journal.ts";
import type { Journal } from "../../server/ports.ts";
import type { Decision } from "../../server/protocol/decision.ts";
import { recordingLog } from "../fakes/log.ts";

/** A folder with journals in it, gone at the end. */
export interface Place extends AsyncDisposable {
  /** It is not there yet, as on a user's first day. */
  readonly folder: string;
  readonly file: string;
  readonly log: ReturnType<typeof recordingLog>;
  /** The wall clock of the journals opened here. */
  nowMs: number;
  open(given?: { readonly mostBytes?: number }): Promise<Journal>;
  /** What lies in the folder. */
  names(): Promise<string[]>;
}

export const START_MS = Date.UTC(2026, 0, 1);

export async function makePlace(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), "tandem-journal-"));
  const folder = join(root, "state");
  const open: Journal[] = [];
  const place: Place = {
    folder,
    file: join(folder, "journal.db"),
    log: recordingLog(),
    nowMs: START_MS,
    async open(given = {}) {
      const journal = await createJournal({ folder, log: place.log, wallMs: () => place.nowMs, ...given });
      open.push(journal);
      return journal;
    },
    names: async () => (await readdir(folder)).sort(),
    async [Symbol.asyncDispose]() {
      // Windows removes no file that is open.
      for (const journal of open) journal[Symbol.dispose]();
      await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
  return place;
}

export function decisionOf(id: string, given: Partial<Decision> = {}): Decision {
  return {
    id,
    atMs: START_MS,
    method: "tandem/run",
    asked: "auto",
    engine: "draft",
    model: "Model A",
    device: "cuda:0",
    backend: "embedded",
    address: null,
    isCloud: false,
    estimatedMs: 1_000,
    after: null,
    fallbacks: [],
    action: "fix",
    tier: "moderate",
    confidence: 0.9,
    taken: "",
    why: "the cheapest that drafts",
    candidates: [],
    client: "vscode",
    ...given,
  };
}

/** Ids of what the journal has, newest first. */
export const idsOf = (journal: Journal, page: Parameters<Journal["decisions"]>[0] = { limit: 500 }) =>
  journal.decisions(page).map((it) => it.id);
