import markdownIt, { type MarkdownIt, type StateCore, type Token } from "markdown-it";
import type { Seam } from "../server/protocol/traffic.ts";
import { splitAtLines } from "./links.ts";
import type { AnswerState } from "./state.ts";

/** The parts of the page, as HTML in which everything from outside is escaped. */
export interface Page {
  readonly header: string;
  /** One string per top-level block, so that blocks that stay the same are left alone. */
  readonly blocks: readonly string[];
  readonly footer: string;
  /** What a screen reader is told when it changes. */
  readonly announcement: string;
}

const markdown = createMarkdown();

export function render(state: AnswerState): Page {
  return {
    header: headerOf(state),
    blocks: renderBlocks(state.markdown, state.seams),
    footer: footerOf(state),
    announcement: announcementOf(state),
  };
}

/**
 * Markdown as blocks of HTML. No HTML of the text's own, no images, no links guessed from bare text. The block in which another engine went
 * on is marked.
 */
export function renderBlocks(text: string, seams: readonly Seam[] = []): readonly string[] {
  const tokens = markdown.parse(text, {});
  const blocks: string[] = [];
  const marked = seams.map((seam) => ({ seam, line: text.slice(0, seam.atCharacters).split("\n").length - 1 }));
  let next = 0;
  let block: Token[] = [];
  for (const token of tokens) {
    block.push(token);
    if (token.level > 0 || token.nesting === 1) continue;
    const end = block[0]?.map?.[1] ?? 0;
    const from = next;
    while ((marked[next]?.line ?? Number.POSITIVE_INFINITY) < end) next++;
    const html = markdown.renderer.render(block, markdown.options, {});
    blocks.push(marked.slice(from, next).map(seamOf).join("") + html);
    block = [];
  }
  return blocks;
}

function seamOf({ seam }: { readonly seam: Seam }): string {
  const why = `${seam.from} broke off here: ${seam.why}`;
  return `<p class="seam" title="${escapeHtml(why)}">${escapeHtml(seam.to)} went on here</p>`;
}

function headerOf({ title, question, source, progress, phase, cloud }: AnswerState): string {
  if (phase === "empty") return "";
  const about = source ? `<span class="about">${escapeHtml(source)}</span>` : "";
  const asked = question ? `<p class="question">${escapeHtml(question)}</p>` : "";
  const busy =
    phase === "streaming"
      ? `<p class="progress"><span class="spinner" aria-hidden="true"></span><span>${escapeHtml(progress)}</span>` +
        `<button type="button" data-do="stop">Stop</button></p>`
      : "";
  const seen =
    // What a view of an earlier version left behind knows of no cloud.
    cloud
      ? `<p class="cloud"><b>From the cloud</b> <span>seen by ${escapeHtml(cloud)}: it left this machine</span></p>`
      : "";
  return `<h1>${escapeHtml(title)}</h1>${about}${asked}${seen}${busy}`;
}

function footerOf({ phase, notes, footer }: AnswerState): string {
  const list = notes.map((it) => `<li>${withLines(it)}</li>`).join("");
  const said = list ? `<ul class="notes ${phase}">${list}</ul>` : "";
  const again =
    phase === "done" || phase === "failed" ? `<button type="button" data-do="runAgain">Run again</button>` : "";
  const use = footer ? `<span>${escapeHtml(footer)}</span>` : "";
  return `${said}${again || use ? `<p class="use">${use}${again}</p>` : ""}`;
}

function announcementOf({ phase, progress, notes, cloud }: AnswerState): string {
  switch (phase) {
    case "empty":
      return "";
    case "streaming":
      return progress.replace(/, line \d+$/, "");
    case "done":
      return cloud ? `The answer is complete. It is from the cloud: ${cloud}` : "The answer is complete";
    case "failed":
      return notes.join(". ");
  }
}

function createMarkdown(): MarkdownIt {
  const it = markdownIt({ html: false, linkify: false, typographer: false });
  it.disable("image");
  it.core.ruler.push("source-lines", linkSourceLines);
  it.core.ruler.push("alignment", alignByClass);
  it.renderer.rules.fence = (tokens, index) => codeBlock(tokens[index]);
  it.renderer.rules.code_block = (tokens, index) => codeBlock(tokens[index]);
  it.renderer.rules.code_inline = (tokens, index) => `<code>${withLines(tokens[index]?.content ?? "")}</code>`;
  it.renderer.rules.source_lines = (tokens, index) => withLines(tokens[index]?.content ?? "");
  return it;
}

/** Text outside links becomes text with buttons for the lines it mentions. */
function linkSourceLines(state: StateCore): void {
  for (const block of state.tokens) {
    let links = 0;
    for (const token of block.children ?? []) {
      if (token.type === "link_open") links += 1;
      if (token.type === "link_close") links -= 1;
      if (token.type === "text" && links === 0) token.type = "source_lines";
    }
  }
}

/** Columns are aligned by a class: the page's policy takes no style from the text. */
function alignByClass(state: StateCore): void {
  for (const token of state.tokens) {
    const style = token.attrGet("style");
    if (style === null) continue;
    token.attrs = (token.attrs ?? []).filter(([name]) => name !== "style");
    token.attrSet("class", String(style).replace("text-align:", "align-"));
  }
}

function withLines(text: string): string {
  const parts = splitAtLines(text).map((it) => {
    if (it.kind === "text") return escapeHtml(it.text);
    const path = it.path === null ? "" : ` data-path="${escapeHtml(it.path)}"`;
    return (
      `<button type="button" class="lines" data-do="open"${path} data-line="${it.line}" data-end="${it.endLine}"` +
      ` title="Go to these lines">${escapeHtml(it.text)}</button>`
    );
  });
  return parts.join("");
}

function codeBlock(token: Token | undefined): string {
  const language = token?.info.trim().split(/\s+/)[0] ?? "";
  const name = language ? `<span>${escapeHtml(language)}</span>` : "<span></span>";
  return (
    `<figure class="code"><figcaption>${name}` +
    `<button type="button" data-do="copy">Copy</button>` +
    `<button type="button" data-do="insert" title="Insert at the cursor">Insert</button></figcaption>` +
    `<pre tabindex="0"><code>${escapeHtml(token?.content ?? "")}</code></pre></figure>`
  );
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
