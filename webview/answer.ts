import type { FromView, ToView } from "./messages.ts";
import { type AnswerState, empty, reduce } from "./state.ts";
import { type Page, render } from "./view.ts";

/** What VS Code gives a webview. What it remembers is what this very view left there. */
interface Host {
  postMessage(message: FromView): void;
  getState(): { readonly answer: AnswerState; readonly scrollTop: number } | undefined;
  setState(state: { readonly answer: AnswerState; readonly scrollTop: number }): void;
}
declare function acquireVsCodeApi(): Host;

/** This close to the bottom, new text keeps the bottom in view. */
const BOTTOM_PIXELS = 24;

const host = acquireVsCodeApi();
const scroller = document.documentElement;
const [header, main, footer, live] = ["header", "main", "footer", "[role=status]"].map((it) => {
  const element = document.querySelector<HTMLElement>(it);
  if (!element) throw new Error(`The page has no ${it}`);
  return element;
}) as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];

let state = host.getState()?.answer ?? empty;
let shown: Page = { header: "", blocks: [], footer: "", announcement: "" };
let frame = 0;

draw();
scroller.scrollTop = host.getState()?.scrollTop ?? 0;
host.postMessage({ kind: "ready" });

window.addEventListener("message", (event: MessageEvent<ToView>) => {
  state = reduce(state, event.data);
  if (frame === 0) frame = requestAnimationFrame(draw);
});
window.addEventListener("scroll", remember, { passive: true });
document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest<HTMLElement>("button[data-do]") : null;
  if (button) act(button);
});

/** At most once a frame, however fast the text comes. */
function draw(): void {
  frame = 0;
  const isAtBottom = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < BOTTOM_PIXELS;
  const page = render(state);
  if (page.header !== shown.header) header.innerHTML = page.header;
  if (page.footer !== shown.footer) footer.innerHTML = page.footer;
  if (page.announcement !== shown.announcement) live.textContent = page.announcement;
  drawBlocks(page.blocks);
  main.setAttribute("aria-busy", String(state.phase === "streaming"));
  shown = page;
  if (isAtBottom && state.phase === "streaming") scroller.scrollTop = scroller.scrollHeight;
  remember();
}

/** Only blocks that changed are replaced: a selection or the focus in an earlier one stays. */
function drawBlocks(blocks: readonly string[]): void {
  for (const [index, block] of blocks.entries()) {
    if (shown.blocks[index] === block) continue;
    const section = main.children[index] ?? main.appendChild(document.createElement("section"));
    section.innerHTML = block;
  }
  while (main.children.length > blocks.length) main.lastElementChild?.remove();
}

function act(button: HTMLElement): void {
  const code = () => button.closest("figure")?.querySelector("code")?.textContent ?? "";
  switch (button.dataset.do) {
    case "open":
      host.postMessage({
        kind: "open",
        path: button.dataset.path ?? null,
        line: Number(button.dataset.line),
        endLine: Number(button.dataset.end),
      });
      break;
    case "copy":
      button.textContent = "Copied";
      setTimeout(() => {
        button.textContent = "Copy";
      }, 1_500);
      host.postMessage({ kind: "copy", text: code() });
      break;
    case "insert":
      host.postMessage({ kind: "insert", text: code() });
      break;
    case "stop":
      host.postMessage({ kind: "stop" });
      break;
    case "runAgain":
      host.postMessage({ kind: "runAgain" });
      break;
  }
}

function remember(): void {
  host.setState({ answer: state, scrollTop: scroller.scrollTop });
}
