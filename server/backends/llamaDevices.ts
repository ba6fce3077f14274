import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { isSameCardName } from "../core/cardName.ts";
import type { Card } from "../engineSpec.ts";
import { abortError, TandemError } from "../errors.ts";

const run = promisify(execFile);
/** A build for GPUs looks for them first; a driver that has gone to sleep takes seconds. */
const LISTING_MS = 30_000;
const MOST_DEVICES = 64;
const MEBIBYTE = 1024 ** 2;
/** What a driver keeps for itself is left out by one tool and not by the other. */
const SAME_SHARE = 0.05;

/** A device as `llama-server --list-devices` prints it. */
export interface ListedDevice {
  /** "CUDA0", "Vulkan1", "ROCm0", "MTL0": what `--device` takes. */
  readonly name: string;
  readonly description: string;
  readonly totalBytes: number;
}

/** What a driver's tool says of a card. */
export interface CardFacts {
  readonly uuid: string;
  readonly name: string;
  readonly totalBytes: number | null;
  /** As the driver's tool counts. */
  readonly index: number;
}

/** Which devices of a server are the given cards; `isSure` false: by numbers alone, or there was more than one that looks the same. */
export interface Matched {
  readonly devices: readonly string[] | "none";
  readonly isSure: boolean;
}

/** Asks the program which devices it sees in this environment. Throws TandemError not-configured where it does not answer. */
export async function listDevices(
  executable: string,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ListedDevice[]> {
  try {
    const { stdout, stderr } = await run(executable, ["--list-devices"], {
      env: { ...env },
      timeout: LISTING_MS,
      signal,
      windowsHide: true,
    });
    return parseDevices(`${stdout}\n${stderr}`);
  } catch (cause) {
    if (signal.aborted) throw abortError(signal);
    throw new TandemError(
      "not-configured",
      `${executable} does not say which GPUs it sees`,
      'Run it with --list-devices; a driver may hang, or it may be too old. Set the device to "cpu" to do without',
      { cause },
    );
  }
}

/** "  CUDA0: NVIDIA GeForce RTX 3090 (24124 MiB, 23700 MiB free)" */
export function parseDevices(text: string): ListedDevice[] {
  return [...text.matchAll(/^\s*([A-Za-z]+\d*): (.+) \((\d+) MiB, \d+ MiB free\)\s*$/gm)]
    .slice(0, MOST_DEVICES)
    .map(([, name = "", description = "", mebibytes]) => ({
      name,
      description: description.trim(),
      totalBytes: Number(mebibytes) * MEBIBYTE,
    }));
}

/**
 * The server's devices that are the given cards, in the cards' order. What CUDA lists are the cards that its variable names, in that
 * order. Vulkan and ROCm have an order of their own, so names and sizes decide there; of cards that look the same the drivers' order is
 * believed. "none": it sees none of them, being built for the processor only. `machine`: all cards of this machine, as far as known.
 */
export function matchDevices(
  cards: readonly Card[],
  listed: readonly ListedDevice[],
  machine: readonly CardFacts[],
): Matched {
  const cuda = listed.filter((it) => it.name.startsWith("CUDA"));
  if (cuda.length > 0 && cards.every((it) => it.vendor === "nvidia")) {
    if (cuda.length !== cards.length) throw missing(cards, cuda);
    return { devices: cuda.map((it) => it.name), isSure: true };
  }
  const metal = listed.filter((it) => it.name.startsWith("MTL") || it.name.startsWith("Metal"));
  if (cards.every((it) => it.vendor === "apple"))
    return { devices: metal.length > 0 ? metal.slice(0, 1).map((it) => it.name) : "none", isSure: true };
  const rocm = listed.filter((it) => it.name.startsWith("ROCm"));
  if (rocm.length === cards.length && cards.every((it) => it.vendor === "amd"))
    return { devices: rocm.map((it) => it.name), isSure: false };
  const vulkan = listed.filter((it) => it.name.startsWith("Vulkan"));
  const candidates = rocm.length > 0 && cards.every((it) => it.vendor === "amd") ? rocm : vulkan;
  if (candidates.length === 0) return { devices: "none", isSure: true };
  const found = cards.map((it) => like(it, candidates, machine));
  const devices = found.flatMap((it) => (it === null ? [] : [it.device]));
  if (devices.length !== cards.length || new Set(devices).size !== devices.length) throw missing(cards, candidates);
  return { devices, isSure: found.every((it) => it?.isSure ?? false) };
}

function like(
  card: Card,
  candidates: readonly ListedDevice[],
  machine: readonly CardFacts[],
): { readonly device: string; readonly isSure: boolean } | null {
  const facts = machine.find((it) => it.uuid === card.uuid);
  if (!facts) {
    const device = candidates.length === 1 ? candidates[0] : candidates[card.index];
    return device ? { device: device.name, isSure: false } : null;
  }
  const alike = candidates.filter((it) => isLike(it, facts));
  const twins = machine
    .filter((it) => alike.some((device) => isLike(device, it)))
    .toSorted((a, b) => a.index - b.index);
  const device = alike[twins.findIndex((it) => it.uuid === card.uuid)];
  return device ? { device: device.name, isSure: alike.length === 1 } : null;
}

function isLike({ description, totalBytes }: ListedDevice, facts: CardFacts): boolean {
  const isNamed = isSameCardName(description, facts.name);
  if (facts.totalBytes === null) return isNamed;
  return isNamed && Math.abs(totalBytes - facts.totalBytes) <= SAME_SHARE * facts.totalBytes;
}

function missing(cards: readonly Card[], listed: readonly ListedDevice[]): TandemError {
  const seen = listed.map((it) => `${it.name} ${it.description}`).join(", ");
  return new TandemError(
    "not-configured",
    `The llama-server does not see ${cards.map((it) => it.uuid).join(" and ")}; it sees: ${seen}`,
    "Run `tandem doctor` and compare; a container may have been given fewer GPUs, or the driver may have lost one",
  );
}
