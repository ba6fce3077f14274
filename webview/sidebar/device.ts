import { html, nothing, svg } from "lit";
import type { GpuSourceStatus, GpuStatus } from "../../server/protocol/gpu.ts";
import type { Status } from "../../server/protocol/status.ts";
import { icon, type Mark, type Markup, mark, sentence, trouble } from "./marks.ts";
import { type Memory, type Part, partsOf } from "./owners.ts";
import type { SidebarState } from "./state.ts";
import { ago, memory, percent } from "./words.ts";

/** Above this share the next prompt may not find room (seed 000 asks for a warning there). */
const FULL_SHARE = 0.95;

/** One card for each GPU; one for main memory where there is none, or where models are in it. */
export function devices(state: SidebarState, status: Status): Markup {
  const { gpus, gpuSources, engines } = status;
  const isInMainMemory = engines.some((it) => it.memory.some(({ device }) => device === "cpu"));
  return html`
    ${gpus.map((it) => gpuCard(it, state, status))} ${gpuSources.map(sourceTrouble)}
    ${gpus.length === 0 ? absence(gpuSources) : nothing}
    ${gpus.length === 0 || isInMainMemory ? processorCard(state, status) : nothing}
  `;
}

/** A card's name; those of one name are told apart by number. */
export function nameOf({ name, index, uuid }: GpuStatus, gpus: readonly GpuStatus[]): string {
  const short = name.replace(/^NVIDIA (GeForce )?|^AMD /, "");
  return gpus.some((it) => it.name === name && it.uuid !== uuid) ? `${short} #${index}` : short;
}

function gpuCard(gpu: GpuStatus, state: SidebarState, { gpus, engines }: Status): Markup {
  const name = nameOf(gpu, gpus);
  const { uuid, totalBytes, usedBytes, processes, thermal } = gpu;
  const reserveBytes = gpu.reserveBytes ?? 0;
  const all = totalBytes === null ? null : { device: uuid, totalBytes, usedBytes, reserveBytes, processes };
  const isDated = gpu.health !== "ok";
  // Where it is the temperature alone, that stands there already.
  const why = thermal && thermal.level !== "normal" && !/^\d+ °C$/.test(thermal.why) ? thermal : null;
  return html`<section class="card ${isDated ? "dated" : ""}" aria-label=${`GPU ${name}`}>
    <h3><span title=${gpu.name}>${name}</span>${mark(healthOf(gpu, state.nowMs))}</h3>
    ${gpu.trouble ? trouble(gpu.trouble.reason, gpu.trouble.nextStep) : nothing}
    ${all ? memoryOf(all, partsOf(all, engines), pressureOf(gpu)) : html`<p class="faint">Its driver does not tell its memory.</p>`}
    <dl class="facts">${facts(gpu)}</dl>
    ${why ? html`<p class="heat ${why.level}">${icon("flame")}${sentence(why.why)}</p>` : nothing}
    ${gpu.isPartitioned ? html`<p class="faint">It is cut into instances (MIG), which are used in its place.</p>` : nothing}
    <div class="chart" data-chart=${uuid} role="img" aria-label=${curveInWords(gpu, state)}></div>
  </section>`;
}

/** Memory as a bar and as a list; the bar says the same to those who see. */
function memoryOf(all: Memory, parts: readonly Part[], pressure: Mark | null): Markup {
  const { totalBytes, usedBytes } = all;
  const used = usedBytes ?? parts.filter((it) => it.kind === "model").reduce((sum, it) => sum + it.bytes, 0);
  const isFull = used / totalBytes > FULL_SHARE;
  return html`
    <p class="amount"><b>${memory(used)}</b> of ${memory(totalBytes)} · ${percent(used, totalBytes)}${pressure ? mark(pressure) : nothing}</p>
    ${isFull ? html`<p class="trouble">${icon("warning")}<span>Nearly full: unload a model, or close a program that uses it.</span></p>` : nothing}
    ${bar(parts, totalBytes)}
    <ul class="owners">${parts.map((it, nth) => owner(it, nth))}</ul>
  `;
}

/** Drawn, not styled: the page's policy allows no widths of its own. Kinds differ by pattern, too. */
function bar(parts: readonly Part[], totalBytes: number): Markup {
  let at = 0;
  const drawn = parts.map((it, nth) => {
    const place = { x: `${at.toFixed(2)}%`, width: `${((100 * it.bytes) / totalBytes).toFixed(2)}%` };
    at += (100 * it.bytes) / totalBytes;
    return svg`<g><title>${it.name} ${memory(it.bytes)}</title>${box(it, nth, place)}
      ${nth > 0 ? svg`<rect class="edge" x=${place.x} width="1" height="100%"></rect>` : nothing}</g>`;
  });
  return html`<svg class="bar" aria-hidden="true">${drawn}</svg>`;
}

function box(part: Part, nth: number, { x, width }: { readonly x: string; readonly width: string }): Markup {
  const hatch = part.kind === "program" || part.kind === "reserve" ? `url(#hatch-${part.kind})` : null;
  return svg`<rect class=${colourOf(part, nth)} x=${x} width=${width} height="100%"></rect>
    ${hatch ? svg`<rect fill=${hatch} x=${x} width=${width} height="100%"></rect>` : nothing}`;
}

function owner(part: Part, nth: number): Markup {
  const about = part.isMeasured || part.kind === "free" ? "" : "about ";
  const title = part.isMeasured ? nothing : "Reckoned from its file: nobody has told what it really takes";
  return html`<li title=${title}>
    <svg class="key" aria-hidden="true">${box(part, nth, { x: "0", width: "100%" })}</svg>
    <span class="name">${part.name}</span><span class="bytes">${about}${memory(part.bytes)}</span>
  </li>`;
}

/** Models get colours in turn. */
function colourOf({ kind }: Part, nth: number): string {
  return kind === "model" ? `part model-${nth % 4}` : `part ${kind}`;
}

function facts(gpu: GpuStatus): Markup {
  const { busyPercent, celsius, powerWatts, powerLimitWatts, brakes } = gpu;
  const limit = powerLimitWatts === null ? "" : ` / ${Math.round(powerLimitWatts)}`;
  const slowed = (brakes ?? []).filter((it) => it !== "idle").map((it) => SLOWED[it]);
  return html`
    ${fact("Busy", busyPercent === null ? null : `${Math.round(busyPercent)} %`)}
    ${fact("Temperature", celsius === null ? null : `${Math.round(celsius)} °C`, heatOf(gpu))}
    ${fact("Power", powerWatts === null ? null : `${Math.round(powerWatts)}${limit} W`)}
    ${slowed.length > 0 ? fact("Slowed by", slowed.join(", ")) : nothing}
  `;
}

const SLOWED = {
  idle: "idling",
  power: "its power limit",
  heat: "heat",
  hardware: "its hardware",
  settings: "settings",
};

function fact(name: string, value: string | null, beside: Mark | null = null): Markup {
  const said =
    value ?? html`<span class="faint" title="Its driver does not tell">–<span class="unseen">not told</span></span>`;
  return html`<div><dt>${name}</dt><dd>${said}${beside ? mark(beside) : nothing}</dd></div>`;
}

function heatOf({ thermal }: GpuStatus): Mark | null {
  if (!thermal || thermal.level === "normal") return null;
  const tone = thermal.level === "warm" ? "watch" : thermal.level === "hot" ? "warn" : "bad";
  return { tone, sign: "flame", word: thermal.level, why: thermal.why };
}

function pressureOf({ pressure }: GpuStatus): Mark | null {
  switch (pressure) {
    case null:
      return null;
    case "normal":
      return { tone: "plain", sign: "pass", word: "normal", why: "Less than 60 % is used" };
    case "moderate":
      return {
        tone: "watch",
        sign: "info",
        word: "moderate",
        why: "Idle models go after two minutes; no new large ones",
      };
    case "high":
      return {
        tone: "warn",
        sign: "warning",
        word: "high",
        why: "Idle models go after half a minute; nothing large is loaded",
      };
    case "critical":
      return { tone: "bad", sign: "error", word: "critical", why: "Nothing is loaded until memory is free" };
  }
}

/** What the readings are worth. */
function healthOf({ health, ageMs }: GpuStatus, nowMs: number): Mark {
  switch (health) {
    case "ok":
      return { tone: "good", sign: "pulse", word: "live", why: "Read within the last seconds" };
    case "stale":
      return {
        tone: "watch",
        sign: "history",
        word: `stale, ${ago(nowMs - ageMs, nowMs)}`,
        why: "The last reading is some seconds old",
      };
    case "broken":
      return {
        tone: "bad",
        sign: "debug-disconnect",
        word: "not read",
        why: "Nobody knows what holds now; these are the last numbers",
      };
  }
}

/** A make of GPU that is there and cannot be read. */
function sourceTrouble({ name, health, reason }: GpuSourceStatus): Markup {
  if (health !== "broken") return nothing;
  return html`<section class="card" aria-label=${`${name} GPUs`}>
    <h3><span>${name.toUpperCase()}</span>${mark({ tone: "bad", sign: "debug-disconnect", word: "not read" })}</h3>
    ${trouble(reason ?? "Its GPUs cannot be read", "Check this machine, which says what is wrong and what to do")}
    <p class="acts">${CHECK}</p>
  </section>`;
}

const CHECK = html`<vscode-button secondary data-do="open" data-argument="check">Check This Machine</vscode-button>`;

function absence(sources: readonly GpuSourceStatus[]): Markup {
  if (sources.some((it) => it.health === "broken")) return nothing;
  if (sources.length === 0 || sources.some((it) => it.health === "starting"))
    return html`<p class="faint">${icon("loading")}Looking for GPUs…</p>`;
  const reasons = sources.flatMap((it) => (it.reason === null ? [] : [it.reason]));
  return html`<section class="card" aria-label="No GPU">
    <h3><span>No GPU</span>${mark({ tone: "plain", sign: "circle-slash", word: "absent" })}</h3>
    <p>Models run on the processor: small ones well, large ones slowly.</p>
    <details><summary>There is one, or you want more speed</summary>
      <ul class="reasons">${reasons.map((it) => html`<li>${sentence(it)}</li>`)}</ul>
      <p>Install your card's driver, then restart the orchestrator. A server on another machine that has a GPU can be named in the settings as an endpoint.</p>
      <p class="acts">${CHECK}<vscode-button secondary data-do="open" data-argument="settings">Settings</vscode-button><vscode-button secondary data-do="open" data-argument="restart">Restart</vscode-button></p>
    </details>
  </section>`;
}

function processorCard({ machine }: SidebarState, { mainMemory, engines }: Status): Markup {
  // The orchestrator reads it only while a model is in it.
  const seen = machine && { totalBytes: machine.totalBytes, usedBytes: machine.totalBytes - machine.freeBytes };
  const read = mainMemory ?? seen;
  const busyPercent = machine?.busyPercent ?? null;
  const all = read && { device: "cpu", ...read, reserveBytes: 0, processes: null };
  return html`<section class="card" aria-label="Processor">
    <h3><span>Processor</span></h3>
    ${all ? memoryOf(all, partsOf(all, engines), null) : html`<p class="faint">Its memory has not been read yet.</p>`}
    <dl class="facts">${fact("Busy", busyPercent === null ? null : `${Math.round(busyPercent)} %`)}</dl>
  </section>`;
}

/** The curves, for who does not see them. */
function curveInWords({ uuid, totalBytes }: GpuStatus, { points, nowMs }: SidebarState): string {
  const list = points[uuid] ?? [];
  const [first] = list;
  const used = list.flatMap((it) => it.usedBytes ?? []);
  const busy = list.flatMap((it) => it.busyPercent ?? []);
  if (!first || list.length < 2) return "No readings yet";
  const since = `Over the last ${Math.round((nowMs - first.atMs) / 1_000)} seconds`;
  const parts = [
    used.length > 0 ? `memory was between ${memory(Math.min(...used))} and ${memory(Math.max(...used))}` : "",
    totalBytes === null || used.length === 0 ? "" : `of ${memory(totalBytes)}`,
    busy.length > 0 ? `and it was busy between ${Math.min(...busy)} and ${Math.max(...busy)} percent` : "",
  ];
  return [since, ...parts.filter((it) => it !== "")].join(" ");
}
