import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { JournalEntry } from "../../server/protocol/decisions.ts";
import { type Mark, type Markup, mark } from "./marks.ts";
import type { SidebarState } from "./state.ts";
import { ago, took } from "./words.ts";

/** More are on the command line: `tandem decisions`. */
export const MOST_DECISIONS = 10;
/** Slower than this is worth a word (seed 000). */
const SLOW_MS = 5_000;

/** What was decided of late, the newest first. */
export function decisions({ decisions: list, nowMs }: SidebarState): Markup {
  if (list === null) return nothing;
  return html`<section aria-label="Latest decisions">
    <h2>Latest decisions</h2>
    ${list.length === 0 ? html`<p class="faint">Nothing was asked of Tandem yet. Run <i>Tandem: Explain</i> on some code, and what was chosen, and why, stands here.</p>` : nothing}
    <ol class="decisions">${repeat(
      list.slice(0, MOST_DECISIONS),
      (it) => it.id,
      (it) => decision(it, nowMs),
    )}</ol>
  </section>`;
}

function decision(it: JournalEntry, nowMs: number): Markup {
  const what = it.action ?? METHODS[it.method] ?? it.method.replace("tandem/", "");
  const tier = it.tier ? ` · ${it.tier}` : "";
  return html`<li>
    <button type="button" class="decision" data-do="decision" data-argument=${it.id} title="Show all of it">
      <span class="line"><b>${what}${tier}</b><span class="when faint">${ago(it.atMs, nowMs)}</span></span>
      <span class="line"><span class="name">${it.model === it.device ? it.model : `${it.model} on ${it.device}`}</span>${it.isCloud || it.fallbacks.some((seam) => seam.isCloud) ? mark({ tone: "warn", sign: "cloud", word: "cloud", why: "It left this machine" }) : nothing}${mark(outcomeOf(it))}</span>
      <span class="why faint">${it.why}</span>
    </button>
  </li>`;
}

const METHODS: Readonly<Record<string, string>> = {
  "tandem/openai/chat": "chat",
  "tandem/openai/completions": "completion",
  "tandem/openai/embeddings": "vectors",
};

function outcomeOf({ outcome }: JournalEntry): Mark {
  switch (outcome?.kind) {
    case undefined:
      return { tone: "watch", sign: "sync", word: "runs" };
    case "ok":
      return outcome.totalMs > SLOW_MS
        ? { tone: "watch", sign: "clockface", word: `${took(outcome.totalMs)}, slow`, why: "More than five seconds" }
        : { tone: "good", sign: "pass", word: took(outcome.totalMs) };
    case "failed":
      return outcome.code === "cancelled"
        ? { tone: "plain", sign: "circle-slash", word: "cancelled" }
        : { tone: "bad", sign: "error", word: outcome.code };
    case "lost":
      return { tone: "bad", sign: "debug-disconnect", word: "lost", why: "The orchestrator ended before it did" };
  }
}
