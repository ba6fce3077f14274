import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { EngineStatus, Status } from "../../server/protocol/status.ts";
import { nameOf } from "./device.ts";
import { button, icon, type Mark, type Markup, mark, sentence, trouble } from "./marks.ts";
import type { Stage } from "./messages.ts";
import { heldBy } from "./owners.ts";
import type { SidebarState } from "./state.ts";
import { count, download, duration, memory } from "./words.ts";

/** The engines that this window's settings name, then those of other clients; and what a task of this window waits for. */
export function engines(state: SidebarState, status: Status): Markup {
  const list = [...status.engines].sort((a, b) => Number(b.roles.length > 0) - Number(a.roles.length > 0));
  return html`<section aria-label="Models">
    <h2>Models</h2>
    ${state.task ? html`<div class="stage">${stage(state.task)}</div>` : nothing}
    ${list.length === 0 ? html`<p class="faint">No model is set up yet. The first command chooses one that suits this machine.</p>` : nothing}
    <ul class="engines">${repeat(
      list,
      (it) => it.handle || it.id,
      (it) => engine(it, state, status),
    )}</ul>
  </section>`;
}

function engine(it: EngineStatus, state: SidebarState, status: Status): Markup {
  const doing = state.doing[it.handle];
  const failure = state.troubles[it.handle];
  const { label, quantisation } = it.model;
  return html`<li class="engine">
    <div class="line"><b class="name" title=${it.model.id}>${label}</b>${mark(stateOf(it))}</div>
    <p class="faint">${[...roles(it), quantisation, whereOf(it, status)].filter((part) => part).join(" · ")}</p>
    <p class="more">${numbers(it)}${it.isPinned ? mark({ tone: "plain", sign: "pinned", word: "pinned" }) : nothing}${cloudOf(it)}${verdictOf(it)}</p>
    ${it.placement?.verdict === "refuted" ? trouble(it.placement.why, "See the log; set the device in the settings, or unload and load it again") : nothing}
    ${heldBack(it)}
    ${doing ? html`<div class="stage">${stage(doing.stage)}</div>` : waiting(it)}
    ${failure ? trouble(failure.message, failure.nextStep) : nothing}
    <div class="acts">${acts(it, doing !== undefined)}</div>
  </li>`;
}

const ROLES = {
  draft: "drafts",
  audit: "audits",
  embed: "makes vectors",
  low: "does simple work",
  high: "does difficult work",
  cloud: "in the cloud",
};

function roles({ roles: list, users }: EngineStatus): readonly string[] {
  if (list.length === 0) return [users > 0 ? "of other clients" : "of nobody any more"];
  return [list.map((it) => ROLES[it]).join(" and ")];
}

/** Where it is, with what it takes there; a device's name where it is known. */
function whereOf(it: EngineStatus, { gpus }: Status): string {
  const places = it.memory.map(({ device }) => {
    const gpu = gpus.find(({ uuid }) => uuid === device);
    const held = heldBy(it, { device, processes: gpu?.processes ?? null });
    const name = gpu ? nameOf(gpu, gpus) : device === "cpu" ? "processor" : device;
    return held ? `${name} ${held.isMeasured ? "" : "about "}${memory(held.bytes)}` : name;
  });
  if (places.length > 0) return places.join(" + ");
  return it.device === "cpu" ? "processor" : it.device;
}

function stateOf(it: EngineStatus): Mark {
  if (it.isBusy) return { tone: "good", sign: "sync", word: "busy", why: it.queued > 0 ? `${it.queued} wait` : null };
  switch (it.state) {
    case "ready":
      return it.idleMs === null
        ? { tone: "good", sign: "pass-filled", word: "ready" }
        : { tone: "good", sign: "pass-filled", word: `ready, idle ${duration(it.idleMs)}` };
    case "loading":
      return { tone: "watch", sign: "loading", word: "loading" };
    case "failed":
      return { tone: "bad", sign: "error", word: `failed ${it.failures > 1 ? `${it.failures} times` : ""}`.trim() };
    case "idle":
      return { tone: "plain", sign: "circle-outline", word: it.kind === "endpoint" ? "not connected" : "not loaded" };
  }
}

function numbers({ decodeTokensPerSecond, model, pid }: EngineStatus): Markup {
  const rate = decodeTokensPerSecond === null ? [] : [`${decodeTokensPerSecond.toFixed(1)} tokens/s`];
  return html`<span>${[...rate, `${model.contextTokens.toLocaleString("en")} tokens context`].join(" · ")}${
    pid === null ? nothing : html`<span class="faint"> · process ${pid}</span>`
  }</span>`;
}

/** Where text leaves this machine that is seen at a glance. */
function cloudOf({ isCloud }: EngineStatus): Markup {
  if (!isCloud) return nothing;
  const why = "What it is sent leaves this machine, as far as your settings of the cloud allow";
  return mark({ tone: "warn", sign: "cloud", word: "cloud", why });
}

function verdictOf({ placement }: EngineStatus): Markup {
  switch (placement?.verdict) {
    case undefined:
      return nothing;
    case "verified":
      return mark({ tone: "good", sign: "verified", word: "verified", why: placement?.why ?? null });
    case "refuted":
      return mark({ tone: "bad", sign: "error", word: "not where it was put", why: placement?.why ?? null });
    case "unverifiable":
      return mark({ tone: "plain", sign: "question", word: "place not verifiable", why: placement?.why ?? null });
  }
}

/** Its circuit breaker, where that lets nobody through, or one to try it. */
function heldBack({ breaker: { state, retryInMs, why } }: EngineStatus): Markup {
  if (state === "closed") return nothing;
  const when =
    state === "open" && retryInMs !== null
      ? `It gets no requests for ${duration(retryInMs)}, then one tries it`
      : "The next request tries it";
  return trouble(`It failed repeatedly${why === null ? "" : `: ${why}`}`, when);
}

/** Who waits for it, and for what. */
function waiting({ queued, waitsFor }: EngineStatus): Markup {
  if (queued === 0 && waitsFor === null) return nothing;
  const who = queued === 0 ? "A request waits" : `${count(queued, "request")} ${queued === 1 ? "waits" : "wait"}`;
  return html`<p class="waits">${icon("clockface")}<span>${sentence(waitsFor === null ? `${who} for a turn` : `${who}: ${waitsFor}`)}</span></p>`;
}

/** How far something is, in words and, where it is known, as a bar. */
function stage(it: Stage): Markup {
  switch (it.kind) {
    case "asked":
      return html`<p>${icon("loading")}<span>Asked for…</span></p>`;
    case "waiting": {
      const place = it.position <= 1 ? "Waits, next in line" : `Waits, number ${it.position} in line`;
      return html`<p>${icon("clockface")}<span>${sentence(it.why === null ? place : `${place}: ${it.why}`)}</span></p>`;
    }
    case "downloading": {
      const { model, doneBytes, totalBytes } = it.progress;
      const done = totalBytes ? Math.floor((100 * doneBytes) / totalBytes) : null;
      return html`<p>${icon("cloud-download")}<span>Downloads ${model}: ${download(it.progress)}</span></p>
        <vscode-progress-bar ?indeterminate=${done === null} .value=${done ?? 0} aria-label=${`Download of ${model}`}></vscode-progress-bar>`;
    }
    case "loading":
      return html`<p>${icon("loading")}<span>Loads ${it.model}…</span></p>
        <vscode-progress-bar indeterminate aria-label=${`Loading ${it.model}`}></vscode-progress-bar>`;
  }
}

/** What can be done to it now. A server that is there already is not ours to load or unload. */
function acts(it: EngineStatus, isDoing: boolean): Markup {
  const { handle, kind, model, isPinned } = it;
  if (handle === "") return nothing;
  const act = (name: string, does: string, sign: string) =>
    button({ name, label: `${name} ${model.label}`, does, argument: handle, sign });
  if (isDoing) return act("Cancel", "cancel", "close");
  const again = it.breaker.state === "closed" ? nothing : act("Try again", "reset", "debug-restart");
  if (kind === "endpoint") return again;
  return html`${again}${it.state === "ready" ? act("Unload", "unload", "debug-stop") : act("Load", "load", "play")}
  ${isPinned ? act("Unpin", "unpin", "pinned") : act("Pin", "pin", "pin")}`;
}
