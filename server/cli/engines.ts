import { TandemError } from "../errors.ts";
import { pin, unload } from "../protocol/engines.ts";
import { status } from "../protocol/requests.ts";
import type { EngineStatus, Status } from "../protocol/status.ts";
import { resetBreaker } from "../protocol/traffic.ts";
import type { Client } from "./client.ts";
import { type LoadWish, loadWaiting } from "./loading.ts";
import type { Out, Printer } from "./printer.ts";
import type { Site } from "./site.ts";
import { align } from "./table.ts";

/** What may be done with a model by name. */
export type EngineVerb = "load" | "unload" | "pin" | "unpin";

export interface EngineShown {
  readonly out: Out;
  readonly printer: Printer;
  readonly isJson: boolean;
}

/** The one model that the command is about. Throws TandemError bad-input. */
export function toEngine(verb: EngineVerb, words: readonly string[]): string {
  const [engine] = words;
  if (engine !== undefined && words.length === 1) return engine;
  throw new TandemError("bad-input", `\`${verb}\` takes one model`, "`tandem status` and `tandem models` list them");
}

export async function tellEngine(
  wish: LoadWish & { readonly verb: EngineVerb },
  client: Client,
  shown: EngineShown,
  signal: AbortSignal,
): Promise<void> {
  const now = await tell(wish, { client, printer: shown.printer }, signal);
  shown.out.write(
    shown.isJson ? `${JSON.stringify({ kind: "result", result: now })}\n` : `${saying(wish.verb, now)}\n`,
  );
}

function tell(
  { verb, ...wish }: LoadWish & { readonly verb: EngineVerb },
  { client, printer }: { readonly client: Client; readonly printer: Printer },
  signal: AbortSignal,
): Promise<EngineStatus> {
  const quiet = () => undefined;
  const { engine } = wish;
  switch (verb) {
    case "load":
      return loadWaiting(wish, { client, printer }, signal);
    case "unload":
      return client.send(unload, { engine }, quiet, signal);
    case "pin":
    case "unpin":
      return client.send(pin, { engine, isPinned: verb === "pin" }, quiet, signal);
  }
}

function saying(verb: EngineVerb, now: EngineStatus): string {
  const { label } = now.model;
  switch (verb) {
    case "load":
      return `${label} is loaded on ${now.device}${now.memory.length > 0 ? `: ${memoryOf(now, [])}` : ""}`;
    case "unload":
      return `${label} is not loaded any more`;
    case "pin":
      return `${label} stays loaded${now.state === "ready" ? "" : " from its next use on"}, until \`tandem unpin\` or until the orchestrator leaves`;
    case "unpin":
      return `${label} is unloaded like any other again`;
  }
}

/** The engine whose breaker is to be closed; undefined: all of them. Throws TandemError bad-input. */
export function toReset(words: readonly string[]): string | undefined {
  if (words.length <= 1) return words[0];
  throw new TandemError("bad-input", "`reset` takes one engine, or none for all of them", "`tandem status` lists them");
}

/** Engines that failed are tried by the next request. Nothing is started for it: then no breaker is open. */
export async function resetEngines(
  engine: string | undefined,
  { out, isJson }: Omit<EngineShown, "printer">,
  { site, signal }: { readonly site: Pick<Site, "clientIfRunning">; readonly signal: AbortSignal },
): Promise<number> {
  const client = await site.clientIfRunning();
  const params = engine === undefined ? {} : { engine };
  const { reset } = client ? await client.send(resetBreaker, params, () => undefined, signal) : { reset: [] };
  if (isJson) out.write(`${JSON.stringify({ kind: "result", result: { reset } })}\n`);
  else if (reset.length === 0) out.write("No engine was held back: every breaker is closed\n");
  else {
    const { engines } = client ? await client.send(status, {}, () => undefined, signal) : { engines: [] };
    const names = reset.map((handle) => engines.find((it) => it.handle === handle)?.model.label ?? handle);
    out.write(`${names.join(" and ")} ${names.length === 1 ? "gets" : "get"} requests again\n`);
  }
  return 0;
}

/** What runs where. Nothing is started to be looked at. */
export async function showStatus({ out, isJson }: Omit<EngineShown, "printer">, site: Site, signal: AbortSignal) {
  const client = await site.clientIfRunning();
  const now = client ? await client.send(status, {}, () => undefined, signal) : null;
  if (isJson) out.write(`${JSON.stringify(now ?? { pid: null, engines: [] }, null, 2)}\n`);
  else out.write(`${now ? statusLines(now).join("\n") : "No orchestrator runs; the next command starts one"}\n`);
  return 0;
}

/** The status for people: the orchestrator, its engines as a table, and the memory they are in. */
export function statusLines(now: Status): string[] {
  const { pid, version, clients, running, http, isDraining } = now;
  const head = [
    `Orchestrator ${pid}, version ${version}${isDraining ? ", leaving" : ""}`,
    `${count(clients.length, "client")}, ${count(running, "request")} running`,
    http === null ? "HTTP closed" : `HTTP at ${http}`,
  ];
  return [head.join("; "), "", ...engineLines(now), "", ...memoryLines(now)];
}

function engineLines({ engines, gpus }: Status): string[] {
  if (engines.length === 0) return ["No engine is set up"];
  const rows = align([["engine", "model", "for", "where", "state", "memory"], ...engines.map((it) => cells(it, gpus))]);
  return rows.flatMap((row, nth) => {
    const it = engines[nth - 1];
    const why = it && it.breaker.state !== "closed" ? [`    held back: ${it.breaker.why}`] : [];
    return [row, ...(it?.waitsFor ? [`    waits: ${it.waitsFor}`] : []), ...why];
  });
}

function cells(it: EngineStatus, gpus: Status["gpus"]): string[] {
  const name = it.id === it.handle || it.handle === "" ? it.id : `${it.id} (${it.handle})`;
  const roles = it.roles.length > 0 ? it.roles.join("+") : it.users === 0 ? "nobody now" : "others";
  const where = it.isCloud ? `${it.device} (cloud)` : it.device;
  return [name, it.model.label, roles, where, stateOf(it), memoryOf(it, gpus)];
}

/** "Idle" would be said of one that is loaded and has nothing to do. */
const STATES: Partial<Record<EngineStatus["state"], string>> = { idle: "not loaded" };

function stateOf(it: EngineStatus): string {
  const words = [it.state === "ready" && it.isBusy ? "busy" : (STATES[it.state] ?? it.state)];
  if (it.idleMs !== null) words.push(`idle ${seconds(it.idleMs)}`);
  if (it.queued > 0) words.push(`${it.queued} waiting`);
  if (it.isPinned) words.push("pinned");
  if (it.failures > 0) words.push(`failed ${it.failures}x`);
  const { state, retryInMs } = it.breaker;
  if (state === "open") words.push(`gets no requests${retryInMs === null ? "" : ` for ${seconds(retryInMs)}`}`);
  if (state === "half-open") words.push("tried by the next request");
  if (it.placement?.verdict === "refuted") words.push("not where it should be");
  return words.join(", ");
}

/** "about": as reckoned, until the driver or the engine says. */
function memoryOf({ memory }: EngineStatus, gpus: Status["gpus"]): string {
  return memory
    .map(({ device, bytes, isMeasured }) => {
      const gpu = gpus.find((it) => it.uuid === device);
      const where = device === "cpu" ? "main memory" : gpu ? `GPU ${gpu.index}` : device;
      return `${isMeasured ? "" : "about "}${gigabytes(bytes)} of ${where}`;
    })
    .join(" + ");
}

function memoryLines({ gpus, mainMemory }: Status): string[] {
  const gpuRows = gpus.map(({ index, name, usedBytes, totalBytes, health }) => {
    const old = health === "ok" ? "" : ` (${health})`;
    return `GPU ${index}, ${name}: ${filled(usedBytes, totalBytes)}${old}`;
  });
  if (mainMemory) gpuRows.push(`Main memory: ${filled(mainMemory.usedBytes, mainMemory.totalBytes)}`);
  return gpuRows;
}

function filled(usedBytes: number | null, totalBytes: number | null): string {
  if (totalBytes === null) return "its size is not told";
  return `${usedBytes === null ? "?" : gigabytes(usedBytes)} of ${gigabytes(totalBytes)} used`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}

function seconds(ms: number): string {
  return ms < 60_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
