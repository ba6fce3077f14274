import type { Placement } from "../ports.ts";
import type { GpuReading } from "./telemetry.ts";

/** A card as its driver told of it before or after a load. */
export type CardSeen = Pick<GpuReading, "uuid" | "name" | "totalBytes" | "usedBytes" | "processes">;

/** What is to be judged: an engine that was just loaded. */
export interface PlacementQuestion {
  /** The cards it was given, with what it takes of each; null: nobody knows. */
  readonly cards: readonly { readonly uuid: string; readonly needBytes: number | null }[];
  /** Its own process and all below it, as this process counts them: in a container the driver counts otherwise. */
  readonly pids: readonly number[];
  /** False where the driver is known not to list such a process (Vulkan), or to list others' numbers (containers, WSL). */
  readonly isListed: boolean;
  /** The engine's own word; null: it said nothing. */
  readonly said: string | null;
}

/** So much of what it takes must be seen: drivers round, weights come in parts, and others free memory meanwhile. */
const SEEN_SHARE = 0.5;
/** Less than this is what a driver's context takes, with no model in it. */
const LEAST_NEED_BYTES = 64 * 1024 ** 2;

/**
 * Whether an engine is on its cards. Three kinds of evidence, the strongest first:
 * 1. the driver's list of processes has it on the cards it was given, or on others;
 * 2. the memory of the given cards rose by at least half of what it takes, and no other card's did; or a given card is not even as full
 *    as that, so that it cannot be there, whoever else came and went;
 * 3. its own word, which is told but proves nothing.
 */
export function judgePlacement(
  question: PlacementQuestion,
  before: readonly CardSeen[],
  after: readonly CardSeen[],
): Placement {
  return byProcess(question, after) ?? byAbsence(question, after) ?? byMemory(question, before, after);
}

function byProcess({ cards, pids }: PlacementQuestion, after: readonly CardSeen[]): Placement | null {
  const given = new Set(cards.map((it) => it.uuid));
  const holds = after.flatMap((card) => {
    const own = (card.processes ?? []).filter((it) => pids.includes(it.pid));
    const [first] = own;
    if (!first) return [];
    const bytes = own.some((it) => it.bytes === null) ? null : own.reduce((sum, it) => sum + (it.bytes ?? 0), 0);
    return [{ card, pid: first.pid, bytes }];
  });
  if (holds.length === 0) return null;
  const strangers = holds.filter((it) => !given.has(it.card.uuid));
  const missed = [...given].filter((uuid) => !holds.some((it) => it.card.uuid === uuid));
  const where = (them: typeof holds) =>
    them.map(({ card, bytes }) => `${bytes === null ? "memory" : gigabytes(bytes)} on ${nameOf(card)}`).join(" and ");
  const [first] = holds;
  const who = `the driver lists process ${first?.pid}`;
  if (strangers.length > 0)
    return refuted(`${who} with ${where(strangers)}, but it was given ${named([...given], after)}`);
  // Of several cards one can come late; of one card this cannot happen.
  if (missed.length > 0) return unverifiable(`${who} with ${where(holds)}, and not yet on ${named(missed, after)}`);
  return verified(`${who} with ${where(holds)} and on no other card`);
}

/** A card that is emptier than the model is large does not hold it; and a list that is whole and has it nowhere says the same. */
function byAbsence({ cards, isListed, said }: PlacementQuestion, after: readonly CardSeen[]): Placement | null {
  for (const { uuid, needBytes } of cards) {
    const card = after.find((it) => it.uuid === uuid);
    if (!card || needBytes === null || needBytes < LEAST_NEED_BYTES) continue;
    // What is larger than the card is not all on it: a part of a processor's memory that a GPU shares, or the driver's overflow.
    const canHold = card.totalBytes !== null && needBytes <= card.totalBytes;
    if (canHold && card.usedBytes !== null && card.usedBytes < needBytes * SEEN_SHARE)
      return refuted(
        `it takes ${gigabytes(needBytes)}, but no more than ${gigabytes(card.usedBytes)} are used on ${nameOf(card)} in all${heard(said)}`,
      );
    if (isListed && card.processes !== null)
      return refuted(`the driver lists the processes on ${nameOf(card)}, and it is not among them${heard(said)}`);
  }
  return null;
}

function byMemory(
  { cards, said }: PlacementQuestion,
  before: readonly CardSeen[],
  after: readonly CardSeen[],
): Placement {
  const rose = (uuid: string): number | null => {
    const [was, is] = [before, after].map((them) => them.find((it) => it.uuid === uuid)?.usedBytes ?? null);
    return was == null || is == null ? null : is - was;
  };
  const needs = cards.map((it) => it.needBytes);
  if (needs.some((it) => it === null || it < LEAST_NEED_BYTES))
    return unverifiable(`the driver does not list its process, and what it takes is not known${heard(said)}`);
  const missing = cards.filter((it) => (rose(it.uuid) ?? -1) < (it.needBytes ?? 0) * SEEN_SHARE);
  if (missing.length > 0) {
    const [card] = missing;
    const by = card ? rose(card.uuid) : null;
    return unverifiable(
      by === null
        ? `the driver tells neither its process nor how full ${named([card?.uuid ?? ""], after)} is${heard(said)}`
        : `the driver does not list its process, and the memory of ${named([card?.uuid ?? ""], after)} changed by ${gigabytes(by)} while it loaded${heard(said)}`,
    );
  }
  const least = Math.min(...needs.map((it) => it ?? 0)) * SEEN_SHARE;
  const given = new Set(cards.map((it) => it.uuid));
  const others = after.filter((it) => !given.has(it.uuid) && (rose(it.uuid) ?? 0) >= least);
  const risen = cards.map((it) => `${named([it.uuid], after)} by ${gigabytes(rose(it.uuid) ?? 0)}`).join(" and ");
  if (others.length > 0)
    return unverifiable(
      `the driver does not list its process, and while it loaded the memory rose on ${risen}, but on ${others.map(nameOf).join(", ")} too${heard(said)}`,
    );
  return verified(
    `the driver does not list its process; while it loaded the memory rose on ${risen} and on no other card`,
  );
}

function heard(said: string | null): string {
  return said === null ? "" : `; ${said}`;
}

function named(uuids: readonly string[], seen: readonly CardSeen[]): string {
  return uuids.map((uuid) => nameOf(seen.find((it) => it.uuid === uuid) ?? { uuid, name: "" })).join(" and ");
}

function nameOf({ uuid, name }: Pick<CardSeen, "uuid" | "name">): string {
  return name === "" ? uuid : `${name} (${uuid})`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}

const verified = (why: string): Placement => ({ verdict: "verified", why });
const refuted = (why: string): Placement => ({ verdict: "refuted", why });
const unverifiable = (why: string): Placement => ({ verdict: "unverifiable", why });
