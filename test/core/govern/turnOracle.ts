import assert from "node:assert/strict";
import type { GovernEffect, GovernEvent, Priority } from "../../../server/core/govern/event.ts";
import { BACKGROUND_PATIENCE } from "../../../server/core/govern/line.ts";
import { GOVERN_RULES } from "../../../server/core/govern/rules.ts";
import type { GovernState } from "../../../server/core/govern/state.ts";
import type { Look } from "../../../server/core/simulate/run.ts";
import { requestOf } from "../../../server/core/simulate/turns.ts";

/** A request that waits or has its turn, as somebody knows it who only hears what is said. */
interface Known {
  readonly name: string;
  readonly choices: readonly string[];
  /** Where each of them could be loaded. */
  readonly places: readonly { readonly key: string; readonly device: string }[];
  readonly priority: Priority;
  readonly wantedMs: number;
  readonly hasBegun: boolean;
  grant: { readonly key: string; readonly waitedMs: number } | null;
  isOffered: boolean;
  isEnding: boolean;
}

const URGENCY = { interactive: 0, task: 1, background: 2 } as const;
const { maxPassedOverMs, mostPreemptions, mostBackgroundPreemptions } = GOVERN_RULES;

/**
 * Looks at every turn that is given or ended: whether it may be. It knows of the governor what that hears and says; of its state only
 * which models are ready.
 */
export function turnOracle(about: string): (state: GovernState, seen: Look) => void {
  const all = new Map<string, Known>();
  const devices = new Map<string, readonly string[]>();
  const preempted = new Map<string, number>();

  const sharing = (key: string, other: string) =>
    key !== other && (devices.get(key) ?? []).some((it) => devices.get(other)?.includes(it));
  const running = (key: string) => [...all.values()].filter((it) => it.grant?.key === key);
  const waitingFor = (key: string) => [...all.values()].filter((it) => it.grant === null && it.choices.includes(key));
  const answersBeside = (key: string) =>
    [...all.values()].some((it) => it.priority === "interactive" && it.grant && sharing(key, it.grant.key));
  const isWaitedForBeside = (key: string) =>
    [...all.values()].some(
      (it) =>
        it.grant === null &&
        it.priority !== "background" &&
        it.places.some((place) => place.key !== key && (devices.get(key) ?? []).includes(place.device)),
    );
  const mostOf = ({ priority }: Known) => (priority === "background" ? mostBackgroundPreemptions : mostPreemptions);
  const isKept = ({ priority, grant }: Known) =>
    grant !== null &&
    grant.waitedMs >= (priority === "background" ? BACKGROUND_PATIENCE * maxPassedOverMs : maxPassedOverMs);

  function hear(event: GovernEvent): void {
    if (event.kind === "want")
      all.set(event.request, {
        ...{ name: event.request, choices: event.choices.map((it) => it.key), priority: event.priority },
        ...{ wantedMs: event.atMs, hasBegun: event.request.includes("+"), grant: null, isOffered: false },
        isEnding: false,
        places: event.choices.flatMap(({ key, options }) =>
          options.flatMap(({ needs }) => needs.map(({ device }) => ({ key, device }))),
        ),
      });
    if (event.kind === "done") all.delete(event.request);
    const asked = event.kind === "offer" ? all.get(event.request) : null;
    if (asked) asked.isOffered = true;
    if (event.kind === "unloaded") for (const it of running(event.key)) all.delete(it.name);
  }

  function see(effect: GovernEffect, atMs: number): void {
    if (effect.kind === "load") devices.set(effect.key, effect.option.split("+"));
    if (effect.kind === "refuse") all.delete(effect.request);
    if (effect.kind === "grant") granted(effect, atMs);
    if (effect.kind === "preempt") ended(effect);
  }

  function granted({ request, key }: Extract<GovernEffect, { kind: "grant" }>, atMs: number): void {
    const it = all.get(request);
    assert.ok(it, `${about}: ${request} is not known`);
    const waitedMs = atMs - it.wantedMs;
    if (it.priority === "background" && waitedMs < BACKGROUND_PATIENCE * maxPassedOverMs)
      assert.ok(!answersBeside(key), `${about}: ${request} runs beside what somebody waits for`);
    const begun = waitingFor(key).filter(
      (other) => other.hasBegun && other.priority === it.priority && other.choices[0] === key && other !== it,
    );
    if (!it.hasBegun && it.choices[0] === key && waitedMs < maxPassedOverMs)
      assert.deepEqual(begun, [], `${about}: ${request} goes before what has begun`);
    it.grant = { key, waitedMs };
  }

  function ended({ request, key }: Extract<GovernEffect, { kind: "preempt" }>): void {
    const it = all.get(request);
    assert.ok(it?.grant?.key === key && it.isOffered && !it.isEnding, `${about}: ${request} cannot be ended`);
    const base = requestOf(request);
    preempted.set(base, (preempted.get(base) ?? 0) + 1);
    assert.ok((preempted.get(base) ?? 0) <= mostOf(it), `${about}: ${base} is ended again and again`);
    const urgent = waitingFor(key).filter((other) => URGENCY[other.priority] < URGENCY[it.priority]);
    const isForSlot = urgent.length > running(key).filter((other) => other.isEnding).length;
    const isForDevice = it.priority === "background" && answersBeside(key);
    const isForMemory = it.priority === "background" && isWaitedForBeside(key);
    assert.ok(isForSlot || isForDevice || isForMemory, `${about}: ${request} is ended for nobody more urgent`);
    it.isEnding = true;
  }

  /** Nobody more urgent waits for a turn that could be had. */
  function checkServed(state: GovernState): void {
    for (const { key, phase } of state.models.values()) {
      if (phase.kind !== "ready") continue;
      const urgent = waitingFor(key).filter((it) => it.priority === "interactive" && it.choices[0] === key);
      const ending = running(key).filter((it) => it.isEnding).length;
      const free = running(key).filter(
        (it) =>
          it.isOffered &&
          !it.isEnding &&
          !isKept(it) &&
          URGENCY[it.priority] > 0 &&
          (preempted.get(requestOf(it.name)) ?? 0) < mostOf(it),
      );
      assert.ok(
        urgent.length <= ending || free.length === 0,
        `${about}: somebody waits for ${key}, which could be had`,
      );
    }
  }

  return (state, { event, effects }) => {
    hear(event);
    for (const it of effects) see(it, event.atMs);
    checkServed(state);
  };
}
