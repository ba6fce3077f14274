import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { PERIOD_MS } from "../core/telemetry.ts";
import type { Ending } from "./nvidiaTrouble.ts";
import type { Command } from "./tool.ts";

/** How long things take. Tests are in more of a hurry. */
export interface Times {
  /** Between two readings. */
  readonly periodMs: number;
  /** Its first word may take so long: a driver without the persistence daemon begins with every card asleep. */
  readonly firstMs: number;
  /** A tool that always talks and has been silent for this long hangs. */
  readonly silenceMs: number;
  /** The wait before it is started again, doubled with each failure in a row, up to `longestPauseMs`. */
  readonly pauseMs: number;
  readonly longestPauseMs: number;
  /** A killed process is gone by then; one that is not waits in the kernel and cannot be ended. */
  readonly killMs: number;
}

/** What follows from how often there is to be a reading. */
export function timesFor(periodMs: number): Times {
  const silenceMs = Math.max(periodMs * 10, LEAST_SILENCE_MS);
  const longestPauseMs = periodMs * 60;
  return {
    periodMs,
    firstMs: Math.max(silenceMs, FIRST_MS),
    silenceMs,
    pauseMs: periodMs,
    longestPauseMs,
    killMs: 2_000,
  };
}

/** A machine under load keeps any program waiting for a moment. */
const LEAST_SILENCE_MS = 2_000;
const FIRST_MS = 10_000;

export const TIMES: Times = timesFor(PERIOD_MS);

export interface LoopedDeps {
  /** Asked at every start. */
  readonly command: () => Command;
  /** Whether this was a line of what it is run for. */
  readonly onLine: (line: string) => boolean;
  /** Whether this line, of its complaints or among its readings, is one to expect: it counts as nothing then. */
  readonly onRemark?: (line: string) => boolean;
  /** It ended, was silent for too long, printed something else for so long, or far too much. It is started again, after a while. */
  readonly onEnd: (why: { readonly kind: "exited" | "silent" | "gibberish" | "flood" } & Ending) => void;
  /** "at times": it may be silent for as long as it likes. */
  readonly talks: "always" | "at times";
  readonly times: Times;
}

/** One long-lived process that prints lines. */
export interface Looped extends AsyncDisposable {
  readonly isRunning: boolean;
}

/** A longer line is none that a tool prints. */
const MOST_LINE_CHARS = 16_384;
const MOST_SAID_CHARS = 2_000;
/** In ten seconds, in which a hundred cards with a thousand processes print a quarter of it. */
const FLOOD_CHARS = 4_000_000;
const FLOOD_MS = 10_000;
/** Whoever floods is not asked again soon: the pause is as after so many failures. */
const FLOOD_FAILURES = 5;

/**
 * Runs the tool, and runs it again whenever it ends or hangs. There is never more than one: while a hanging one cannot be ended, no
 * other is started, which would hang as well.
 */
export function runLooped(deps: LoopedDeps): Looped {
  const { times } = deps;
  let run: Run | null = null;
  let again: NodeJS.Timeout | null = null;
  let failures = 0;
  let isOver = false;

  const start = () => {
    const begun = begin(deps, () => (failures = 0));
    run = begun;
    void begun.gone.then(() => {
      run = null;
      if (isOver) return;
      if (begun.hasFlooded()) failures = Math.max(failures, FLOOD_FAILURES);
      const pauseMs = Math.min(times.longestPauseMs, times.pauseMs * 2 ** Math.min(failures, 16));
      failures++;
      again = setTimeout(start, pauseMs).unref();
    });
  };
  start();

  return {
    get isRunning() {
      return run !== null;
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      if (again) clearTimeout(again);
      const last = run;
      if (!last) return;
      last.end();
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, times.killMs);
      await Promise.race([last.gone, late.promise]);
      clearTimeout(timer);
    },
  };
}

interface Run {
  /** Resolves when the process is gone; may never. */
  readonly gone: Promise<void>;
  hasFlooded(): boolean;
  end(): void;
}

function begin(deps: LoopedDeps, onFirst: () => void): Run {
  const { command, onLine, onRemark = () => false, onEnd, talks, times } = deps;
  const gone = Promise.withResolvers<void>();
  const child = spawnGuarded(command());
  let said = "";
  let isTold = false;
  const tell = (why: Parameters<typeof onEnd>[0]) => {
    if (!isTold) onEnd(why);
    isTold = true;
  };
  const end = () => {
    isTold = true;
    endGuarded(child);
  };
  const keep = (text: string) => {
    if (!onRemark(text)) said = `${said}${text}\n`.slice(-MOST_SAID_CHARS);
  };
  const flood = createFlood(() => {
    tell({ kind: "flood", code: null, said });
    end();
  });
  const hang = () => {
    tell({ kind: said === "" ? "silent" : "gibberish", code: null, said });
    end();
  };
  let watch = talks === "always" ? setTimeout(hang, times.firstMs).unref() : null;
  flood.watch(child.stdout);
  flood.watch(child.stderr);
  const readers = linesOf(child.stdout, (line) => {
    if (isTold) return;
    if (!onLine(line)) return keep(line);
    onFirst();
    said = "";
    if (watch === null) return;
    clearTimeout(watch);
    watch = setTimeout(hang, times.silenceMs).unref();
  });
  linesOf(child.stderr, keep);
  child.on("error", (error) => {
    tell({ kind: "exited", code: null, said: error.message });
    gone.resolve();
  });
  child.on("close", (code) => {
    if (watch !== null) clearTimeout(watch);
    readers.flush(keep);
    tell({ kind: "exited", code, said });
    gone.resolve();
  });
  return { gone: gone.promise, hasFlooded: flood.isOver, end };
}

/** Calls once when a program prints more than any reading needs. */
function createFlood(onFlood: () => void) {
  let sinceMs = performance.now();
  let chars = 0;
  let isOver = false;
  const count = (text: string) => {
    const nowMs = performance.now();
    if (nowMs - sinceMs > FLOOD_MS) {
      sinceMs = nowMs;
      chars = 0;
    }
    chars += text.length;
    if (isOver || chars <= FLOOD_CHARS) return;
    isOver = true;
    onFlood();
  };
  return { watch: (stream: Readable) => void stream.setEncoding("utf8").on("data", count), isOver: () => isOver };
}

/** Tools that speak people's languages are to write numbers in none. */
export function plainEnv(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: "C" };
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * The program ends when its stdin does, so also when this process is killed: a tool that prints nothing would never notice by itself.
 * Windows ends what a process started together with it.
 */
const GUARD =
  'exec 3<&0; "$@" 3<&- </dev/null & tool=$!; { read -r _ <&3; kill -9 $tool; } >/dev/null 2>&1 & guard=$!; exec 3<&-; ' +
  "wait $tool; code=$?; kill $guard 2>/dev/null; exit $code";

function spawnGuarded(command: Command): Child {
  const [program, ...args] = process.platform === "win32" ? command : ["/bin/sh", "-c", GUARD, "sh", ...command];
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], windowsHide: true, env: plainEnv() });
  child.unref();
  child.stdin.on("error", () => undefined); // it ended before us
  return child;
}

function endGuarded(child: Child): void {
  child.stdin.destroy();
  // Held open by a process that cannot be ended, they would keep this one alive.
  child.stdout.destroy();
  child.stderr.destroy();
  if (process.platform === "win32") child.kill("SIGKILL");
}

/** Calls for every whole line. What comes without an end for too long is cut off and counts as a line. */
function linesOf(stream: Readable, onLine: (line: string) => void): { flush(rest: (text: string) => void): void } {
  let pending = "";
  stream.on("error", () => undefined); // seen as the end of the process
  stream.on("data", (text: string) => {
    const lines = (pending + text).split(/\r?\n/);
    pending = lines.pop() ?? "";
    if (pending.length > MOST_LINE_CHARS) {
      lines.push(pending.slice(0, MOST_SAID_CHARS));
      pending = "";
    }
    for (const line of lines) if (line.trim() !== "") onLine(line);
  });
  return {
    flush(rest) {
      if (pending.trim() !== "") rest(pending);
      pending = "";
    },
  };
}
