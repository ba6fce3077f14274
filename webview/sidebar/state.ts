import type { JournalEntry } from "../../server/protocol/decisions.ts";
import type { Status } from "../../server/protocol/status.ts";
import type { Deed, Machine, Point, Stage, Standing, ToSidebar, Trouble } from "./messages.ts";

/** What the sidebar shows; a plain value, so that what it was told last is there at once when it is shown again. */
export interface SidebarState {
  readonly standing: Standing;
  /** The newest; null: none has come yet. */
  readonly status: Status | null;
  /** When the newest status came, on the wall's clock. */
  readonly nowMs: number;
  /** As it was then. */
  readonly machine: Machine | null;
  /** Of each GPU by uuid, the oldest first. */
  readonly points: Readonly<Record<string, readonly Point[]>>;
  /** Null: not told yet. */
  readonly decisions: readonly JournalEntry[] | null;
  /** By the engine's handle. */
  readonly doing: Readonly<Record<string, { readonly deed: Deed; readonly stage: Stage }>>;
  readonly troubles: Readonly<Record<string, Trouble>>;
  readonly task: Stage | null;
  readonly trouble: Trouble | null;
}

/** The curves go back so far. */
export const SPAN_MS = 100_000;
/** However often readings come, a curve has no more points. */
const MOST_POINTS = 200;

export const empty: SidebarState = {
  standing: { kind: "stopped" },
  status: null,
  nowMs: 0,
  machine: null,
  points: {},
  decisions: null,
  doing: {},
  troubles: {},
  task: null,
  trouble: null,
};

/** The state after one more message. */
export function reduce(state: SidebarState, message: ToSidebar): SidebarState {
  switch (message.kind) {
    case "standing":
      // What another orchestrator says begins anew; what was decided outlives it.
      return message.standing.kind === "running"
        ? { ...state, standing: message.standing }
        : { ...empty, standing: message.standing, decisions: state.decisions, troubles: state.troubles };
    case "status":
      return withStatus(state, message);
    case "history":
      return { ...state, points: joined(message.points, state.points) };
    case "decisions":
      return { ...state, decisions: message.decisions };
    case "doing": {
      const { engine, deed, stage } = message;
      return {
        ...state,
        doing: { ...state.doing, [engine]: { deed, stage } },
        troubles: without(state.troubles, engine),
      };
    }
    case "done": {
      const { engine, trouble } = message;
      const troubles = trouble ? { ...state.troubles, [engine]: trouble } : without(state.troubles, engine);
      return { ...state, doing: without(state.doing, engine), troubles };
    }
    case "task":
      return { ...state, task: message.stage };
    case "trouble":
      return { ...state, trouble: message.trouble };
  }
}

function withStatus(state: SidebarState, message: Extract<ToSidebar, { kind: "status" }>): SidebarState {
  const { status, atMs, machine } = message;
  const read = status.gpus.map(({ uuid, ageMs, usedBytes, busyPercent }) => [
    uuid,
    [{ atMs: atMs - ageMs, usedBytes, busyPercent }],
  ]);
  const handles = new Set(status.engines.map((it) => it.handle));
  return {
    ...state,
    status,
    nowMs: atMs,
    machine,
    points: recent(joined(state.points, Object.fromEntries(read)), atMs),
    // What concerns an engine that is gone can be seen nowhere any more.
    troubles: Object.fromEntries(Object.entries(state.troubles).filter(([engine]) => handles.has(engine))),
  };
}

/** Both, the later ones only as far as they are later. */
function joined(earlier: SidebarState["points"], later: SidebarState["points"]): SidebarState["points"] {
  const all = new Set([...Object.keys(earlier), ...Object.keys(later)]);
  const pairs = [...all].map((uuid) => {
    const before = earlier[uuid] ?? [];
    const lastMs = before.at(-1)?.atMs ?? -Infinity;
    return [uuid, [...before, ...(later[uuid] ?? []).filter((it) => it.atMs > lastMs + SAME_MS)]];
  });
  return Object.fromEntries(pairs);
}

/** A reading told twice has an age told twice; the way here takes a moment, and not always the same one. */
const SAME_MS = 400;

/** Cards that are gone for longer than the curves go back leave nothing. */
function recent(points: SidebarState["points"], nowMs: number): SidebarState["points"] {
  const pairs = Object.entries(points).map(
    ([uuid, list]) => [uuid, list.filter((it) => it.atMs >= nowMs - SPAN_MS).slice(-MOST_POINTS)] as const,
  );
  return Object.fromEntries(pairs.filter(([, list]) => list.length > 0));
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Readonly<Record<string, T>> {
  const { [key]: _, ...rest } = record;
  return rest;
}
