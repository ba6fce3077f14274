import type {
  WorkDoneProgressBegin,
  WorkDoneProgressEnd,
  WorkDoneProgressReport,
} from "vscode-languageserver-protocol/node";
import { z } from "zod";
import type { RunEvent } from "../../../protocol/run.ts";
import type { Notice } from "../dispatch.ts";
import { parsed } from "../failure.ts";
import { ACCEPT_COMMAND } from "./abilities.ts";

/** The way to the editor. */
export interface Wire {
  notify(method: string, params: object): void;
  request(method: string, params: object): Promise<unknown>;
}

/** One task as the editor shows it. Disposing ends it. */
export interface Progress extends Disposable {
  /** Fires when the user stops the task where it is shown. */
  readonly signal: AbortSignal;
  tell(event: RunEvent): void;
}

export interface ProgressBoard {
  /** Shown under the token that came with the request; without one, under a new one where the editor can do that. */
  begin(title: string, options: { token: ProgressToken | undefined; isWanted: boolean }): Progress;
  readonly notices: ReadonlyMap<string, Notice>;
}

export const ProgressToken = z.union([z.string().max(200), z.int()]);
export type ProgressToken = z.output<typeof ProgressToken>;
type Step = WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd;

/** Questions for a token that the editor has not answered; one that never answers is not asked again. */
const MOST_UNANSWERED = 32;

export function createProgressBoard(wire: Wire): ProgressBoard {
  const shown = new Map<ProgressToken, AbortController>();
  let made = 0;
  let unanswered = 0;

  async function create(): Promise<ProgressToken | null> {
    if (unanswered >= MOST_UNANSWERED) return null;
    const token = `tandem-${++made}`;
    unanswered++;
    try {
      await wire.request("window/workDoneProgress/create", { token });
      return token;
    } catch {
      // An editor that shows no progress after all works as well.
      return null;
    } finally {
      unanswered--;
    }
  }

  return {
    begin(title, { token, isWanted }) {
      const abort = new AbortController();
      const lines = createLines(title, (at, value) => wire.notify("$/progress", { token: at, value }));
      const open = (at: ProgressToken | null) => {
        if (at === null) return;
        shown.set(at, abort);
        lines.open(at, () => shown.delete(at));
      };
      if (token !== undefined) open(token);
      else if (isWanted) void create().then(open);
      return {
        signal: abort.signal,
        tell: (event) => lines.say(event),
        [Symbol.dispose]: () => lines.close(),
      };
    },
    notices: new Map([
      [
        "window/workDoneProgress/cancel",
        (params) => shown.get(parsed(z.looseObject({ token: ProgressToken }), params, "cancel").token)?.abort(),
      ],
    ]),
  };
}

interface Lines {
  open(token: ProgressToken, onClosed: () => void): void;
  say(event: RunEvent): void;
  close(): void;
}

/** What is shown of one task. The editor may be ready for it late, or when all is over. */
function createLines(title: string, send: (token: ProgressToken, step: Step) => void): Lines {
  let place: { token: ProgressToken; onClosed: () => void } | null = null;
  let isOver = false;
  let message = "";
  let lines = 0;
  return {
    open(token, onClosed) {
      if (isOver) return onClosed();
      place = { token, onClosed };
      send(token, { kind: "begin", title, cancellable: true, ...(message !== "" && { message }) });
    },
    say(event) {
      if (event.kind === "retry") lines = 0;
      if (event.kind === "draft") lines += event.text.split("\n").length - 1;
      const next = event.kind === "draft" ? `writing line ${lines + 1}` : messageOf(event);
      if (next === null || next === message) return;
      message = next;
      if (place) send(place.token, { kind: "report", message });
    },
    close() {
      isOver = true;
      if (!place) return;
      send(place.token, { kind: "end" });
      place.onClosed();
      place = null;
    },
  };
}

function messageOf(event: Exclude<RunEvent, { kind: "draft" }>): string | null {
  switch (event.kind) {
    case "classified":
      return event.target === null ? event.action : `${event.action}: ${event.target}`;
    case "waiting":
      return event.why ?? `waiting, ${event.position} in line`;
    case "downloading":
      return `fetching ${event.progress.model}${percentOf(event.progress)}`;
    case "loading":
      return `loading ${event.model}`;
    case "ready":
      return `${event.model.label} is ready`;
    case "audited":
      return `checked lines ${event.fromLine} to ${event.toLine}`;
    case "retry":
      return `once more: ${event.why}`;
    case "notice":
      return event.message;
    case "drafted":
      return `written, the audit goes on: ${ACCEPT_COMMAND} ends it`;
    case "cloud":
      return `asking ${event.host}, in the cloud`;
    case "seam":
      return `${event.seam.to} goes on`;
    case "routed":
    case "critique":
    case "finding":
      return null;
  }
}

function percentOf({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number | null }): string {
  return totalBytes ? `, ${Math.floor((100 * doneBytes) / totalBytes)} %` : "";
}
