import type { Obstacle } from "./assign.ts";
import type { GovernEffect } from "./event.ts";
import { bytesOn, claimOf, needsOf, releasedOn } from "./ledger.ts";
import { labelOf } from "./moves.ts";
import { type Block, isOn } from "./plan.ts";
import { type Asked, type Device, type Draft, type Model, optionOf } from "./state.ts";

/** Why a request waits, for people: with numbers, and with names. */
export function sentence(draft: Draft, obstacle: Obstacle): string {
  const label = labelOf(draft, obstacle.key);
  const model = draft.models.get(obstacle.key);
  switch (obstacle.kind) {
    case "busy":
      return `${label} answers ${model?.active === 1 ? "another request" : `${model?.active} other requests`}`;
    case "yields":
      return `the last free place of ${label} is kept for work that somebody waits for`;
    case "contends":
      return `${labelOf(draft, obstacle.rival)} answers somebody on ${nameOf(draft, obstacle.device)} first`;
    case "loading":
      return `${label} is being loaded${onDevices(draft, model)}`;
    case "leaving":
      return `${label} is being unloaded first`;
    case "room":
      return roomReason(draft, obstacle.key);
    case "heat":
      return `${nameOf(draft, obstacle.device)} is too hot for more work`;
    case "reread":
      return `memory is read again, since ${label} found too little`;
    case "blocked":
      return blockReason(draft, label, obstacle.block);
    case "failed":
      return `${label} could not be loaded: ${model?.failure ?? "it is not known"}`;
    case "never":
      return `${label} is larger than any memory here`;
  }
}

/** What somebody is told whose request cannot be served. */
export function refusalOf(
  draft: Draft,
  asked: Asked,
): Omit<Extract<GovernEffect, { kind: "refuse" }>, "kind" | "request"> {
  const failed = asked.choices.map((it) => draft.models.get(it)).find((it) => it && it.failure !== null);
  if (failed && failed.memoryFailures === 0) {
    const message = `${failed.loadable.label} could not be loaded: ${failed.failure}`;
    const waitMs = failed.retryMs - draft.atMs;
    const again = waitMs > 0 ? `It is tried again in ${Math.ceil(waitMs / 1_000)} s; see` : "See";
    return { why: "load-failed", message, nextStep: `${again} the log for what it said, or choose another model` };
  }
  const label = labelOf(draft, asked.choices[0] ?? "");
  const nextStep = "Choose a smaller model or a shorter context; `tandem estimate` shows what takes the memory";
  if (failed) return { why: "no-memory", message: `${label} found too little memory: ${failed.failure}`, nextStep };
  const model = draft.models.get(asked.choices[0] ?? "");
  return { why: "no-memory", message: tooLarge(draft, label, model), nextStep };
}

function tooLarge(draft: Draft, label: string, model: Model | undefined): string {
  const option = model?.loadable.options[0];
  const need = option && model && needsOf(model, option)[0];
  const fact = need && draft.devices.get(need.device)?.fact;
  if (!need || !fact) return `${label} does not fit on this machine`;
  const free = `${gigabytes(fact.totalBytes)}, of which ${gigabytes(fact.reserveBytes)} stay free`;
  return `${label} needs ${gigabytes(need.bytes)}, and ${fact.name} has ${free}`;
}

function roomReason(draft: Draft, key: string): string {
  const model = draft.models.get(key);
  const label = labelOf(draft, key);
  const devices = new Set((model && optionOf(model)?.needs)?.map((it) => it.device));
  const isHere = (it: Model) => [...devices].some((device) => isOn(it, device));
  const leaving = [...draft.models.values()].filter(
    (it) => isHere(it) && (it.phase.kind === "unloading" || it.phase.kind === "draining"),
  );
  const where = onDevices(draft, model);
  if (leaving.length > 0) {
    const until = leaving.map(
      (it) => `${it.loadable.label} ${it.phase.kind === "draining" ? "has answered" : "is gone"}`,
    );
    return `room for ${label} is made${where}, until ${until.join(" and ")}`;
  }
  const releasing = [...devices].some((device) => releasedOn(draft, device) > 0);
  if (releasing) return `room for ${label} is made${where}, until its memory is shown as free`;
  return `the next room${where} is kept for ${label}${[...devices].map((it) => heldBy(draft, it)).join("")}`;
}

function blockReason(draft: Draft, label: string, block: Block): string {
  const name = nameOf(draft, block.device);
  switch (block.kind) {
    case "gone":
      return `${name} can no longer be reached`;
    case "unread":
      return `${name} has not been read yet`;
    case "heat":
      return `${name} is too hot for ${label} to be loaded`;
    case "pressure":
      return `${name} is nearly full${heldBy(draft, block.device)}`;
    case "memory":
      return `${label} waits for ${gigabytes(block.missingBytes)} on ${name}${heldBy(draft, block.device)}`;
  }
}

/** ": held by A (busy) and by other programs (6.0 GB)". */
function heldBy(draft: Draft, name: string): string {
  const device = draft.devices.get(name);
  const ours = [...draft.models.values()]
    .filter((it) => claimOf(it, name, device?.fact) > 0)
    .map((it) => `${it.loadable.label} (${wordFor(it)})`);
  const all = [...ours, ...foreignOn(device)];
  return all.length === 0 ? "" : `: held by ${all.join(", ")}`;
}

function foreignOn(device: Device | undefined): readonly string[] {
  const bytes = device?.foreignBytes ?? 0;
  return bytes < 2 ** 28 ? [] : [`other programs (${gigabytes(bytes)})`];
}

function wordFor({ phase, active, isPinned }: Model): string {
  if (isPinned) return "pinned";
  if (phase.kind !== "ready") return phase.kind;
  return active > 0 ? "busy" : "just loaded";
}

function onDevices(draft: Draft, model: Model | undefined): string {
  const option = model && optionOf(model);
  const names = (option?.needs ?? [])
    .filter((it) => bytesOn([it], it.device) > 0)
    .map((it) => nameOf(draft, it.device));
  return names.length === 0 ? "" : ` on ${[...new Set(names)].join(" and ")}`;
}

function nameOf({ devices }: Draft, device: string): string {
  return devices.get(device)?.fact.name ?? device;
}

/** As memory is sold: 24 GB are 24 times 2^30 bytes. */
function gigabytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GB`;
}
