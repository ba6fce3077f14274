import { html, nothing, svg } from "lit";
import { decisions } from "./decisions.ts";
import { devices } from "./device.ts";
import { engines } from "./engines.ts";
import { icon, type Markup, sentence, trouble } from "./marks.ts";
import type { Standing } from "./messages.ts";
import type { SidebarState } from "./state.ts";
import { duration } from "./words.ts";

/** All of the page. What comes from outside is text in it, never markup. */
export function render(state: SidebarState): Markup {
  const { standing, status } = state;
  return html`${patterns}
    ${standing.kind === "running" ? nothing : html`<div class="standing">${standingOf(standing)}</div>`}
    ${state.trouble ? trouble(state.trouble.message, state.trouble.nextStep) : nothing}
    ${standing.kind === "running" && !status ? html`<p class="faint">${icon("loading")}Asking the orchestrator…</p>` : nothing}
    ${status?.isDraining ? html`<p class="faint">${icon("info")}This orchestrator is about to leave; what runs is finished.</p>` : nothing}
    ${status ? html`${devices(state, status)} ${engines(state, status)}` : nothing}
    ${decisions(state)}`;
}

/** What a screen reader is told when it changes: what matters, and not each second's numbers. */
export function announcement({ standing, status, troubles, trouble: own }: SidebarState): string {
  const failures = [...Object.values(troubles), ...(own ? [own] : [])].map(
    (it) => `${sentence(it.message)} ${sentence(it.nextStep)}`,
  );
  if (standing.kind !== "running") return STANDINGS[standing.kind];
  const gpus = (status?.gpus ?? []).flatMap(({ name, health, pressure, thermal }) => [
    ...(health === "ok" ? [] : [`${name} is ${health === "stale" ? "not heard of at the moment" : "not read"}.`]),
    ...(pressure === "critical" ? [`Memory of ${name} is critical.`] : []),
    ...(thermal?.level === "hot" || thermal?.level === "critical" ? [`${name} is ${thermal.level}.`] : []),
  ]);
  const loading = (status?.engines ?? [])
    .filter((it) => it.state === "loading")
    .map((it) => `${it.model.label} is loading.`);
  return [...failures, ...gpus, ...loading].join(" ");
}

const STANDINGS = {
  stopped: "The orchestrator has not been asked for.",
  starting: "The orchestrator is starting.",
  waiting: "The orchestrator stopped and is started again.",
  failed: "The orchestrator stopped too often.",
};

function standingOf(standing: Exclude<Standing, { kind: "running" }>): Markup {
  switch (standing.kind) {
    case "stopped":
      return html`<h2>Nothing runs yet</h2>
        <p>Tandem's orchestrator loads models and watches the GPUs. It starts with your first command, or now. Looking at this view starts nothing.</p>
        <p class="acts"><vscode-button data-do="start">Start</vscode-button><vscode-button secondary data-do="open" data-argument="settings">Settings</vscode-button></p>`;
    case "starting":
      return html`<p>${icon("loading")}The orchestrator is starting…</p><vscode-progress-bar indeterminate aria-label="Starting"></vscode-progress-bar>`;
    case "waiting":
      return trouble(
        `The orchestrator stopped (${standing.reason})`,
        `It is started again in ${duration(standing.delayMs)}`,
      );
    case "failed":
      return html`${trouble(`The orchestrator stopped too often (${standing.reason})`, "Look at the log, then start it again")}
        <p class="acts"><vscode-button data-do="start">Start again</vscode-button><vscode-button secondary data-do="open" data-argument="log">Show Log</vscode-button></p>`;
  }
}

/** What tells kinds of memory apart without colour. */
const patterns = html`<svg class="patterns" width="0" height="0" aria-hidden="true"><defs>${svg`
  <pattern id="hatch-program" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="ink" width="2" height="6"></rect></pattern>
  <pattern id="hatch-reserve" width="4" height="4" patternUnits="userSpaceOnUse"><rect class="ink" x="1" y="1" width="1.5" height="1.5"></rect></pattern>
`}</defs></svg>`;
