import "@vscode-elements/elements/dist/vscode-button/index.js";
import "@vscode-elements/elements/dist/vscode-progress-bar/index.js";
import { render as paint } from "lit";
import { createCurves } from "./curves.ts";
import type { Deed, FromSidebar, ToSidebar } from "./messages.ts";
import { empty, reduce, type SidebarState } from "./state.ts";
import { announcement, render } from "./view.ts";

/** What VS Code gives a webview. What it remembers is what this very view left there. */
interface Host {
  postMessage(message: FromSidebar): void;
  getState(): { readonly scrollTop: number } | undefined;
  setState(state: { readonly scrollTop: number }): void;
}
declare function acquireVsCodeApi(): Host;

const host = acquireVsCodeApi();
const [main, live] = ["main", "[role=status]"].map((it) => {
  const element = document.querySelector<HTMLElement>(it);
  if (!element) throw new Error(`The page has no ${it}`);
  return element;
}) as [HTMLElement, HTMLElement];

const curves = createCurves(main);
const scroller = document.documentElement;
let state: SidebarState = empty;
let frame = 0;
let isPlaced = false;

window.addEventListener("message", (event: MessageEvent<ToSidebar>) => {
  state = reduce(state, event.data);
  if (frame === 0) frame = requestAnimationFrame(draw);
});
window.addEventListener("scroll", () => host.setState({ scrollTop: scroller.scrollTop }), { passive: true });
document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-do]") : null;
  if (target) act(target.dataset.do ?? "", target.dataset.argument ?? "");
});
// The elements' buttons act on Space, and the page would scroll besides.
document.addEventListener("keydown", (event) => {
  if (event.key === " " && event.target instanceof Element && event.target.matches("vscode-button"))
    event.preventDefault();
});
// VS Code tells of another theme by the body's classes.
new MutationObserver(() => curves.redraw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
host.postMessage({ kind: "ready" });

/** At most once a frame, however much is told. Only what changed is touched. */
function draw(): void {
  frame = 0;
  paint(render(state), main);
  curves.draw(state);
  const said = announcement(state);
  if (live.textContent !== said) live.textContent = said;
  if (isPlaced || !state.status) return;
  isPlaced = true;
  scroller.scrollTop = host.getState()?.scrollTop ?? 0;
}

const DEEDS: ReadonlySet<string> = new Set<Deed>(["load", "unload", "pin", "unpin", "reset"]);

function act(what: string, argument: string): void {
  if (DEEDS.has(what)) host.postMessage({ kind: "deed", deed: what as Deed, engine: argument });
  else if (what === "cancel") host.postMessage({ kind: "cancel", engine: argument });
  else if (what === "decision") host.postMessage({ kind: "decision", id: argument });
  else if (what === "start") host.postMessage({ kind: "start" });
  else if (what === "open")
    host.postMessage({ kind: "open", what: argument as Extract<FromSidebar, { kind: "open" }>["what"] });
}
