import { fstatSync, ftruncateSync, writeSync } from "node:fs";
import { type Logger, pino } from "pino";
import type { Log } from "./ports.ts";

export type LogLevel = "error" | "warn" | "info" | "debug";

const STDERR = 2;

type Listener = (level: LogLevel, text: string) => void;

/** The log, with whoever listens to it. */
export interface TappedLog extends Log {
  /** Each line as a level and a text for people. Stop by disposing. */
  tap(listener: Listener): Disposable;
  /** A log for one client's affairs: its lines go where all go, but only its own listeners hear of them. */
  branch(): BranchLog;
}

export interface BranchLog extends TappedLog {
  /** The least that is logged of this client's affairs. */
  setLevel(level: LogLevel): void;
}

/** An orchestrator can run for weeks: a log file that has grown to this begins anew. What came before a start is kept by who starts it. */
const MOST_BYTES = 16 * 1024 * 1024;

/** One line per fact on stderr; stdout belongs to the protocol. Secrets are cut out by their names. */
export function createLog(level: string, { mostBytes = MOST_BYTES } = {}): TappedLog {
  return logOn(level, createStderr(mostBytes));
}

/** A disk that is full, or nobody who reads, costs the line, not the process whose affairs it tells. */
function createStderr(mostBytes: number): (line: string) => void {
  let bytes = 0;
  return (line) => {
    try {
      bytes += writeSync(STDERR, line);
      if (bytes < mostBytes) return;
      bytes = 0;
      if (fstatSync(STDERR).isFile()) ftruncateSync(STDERR, 0);
    } catch {
      // There is nowhere to say so.
    }
  };
}

function logOn(level: string, write: (line: string) => void): BranchLog {
  const listeners = new Set<Listener>();
  const logger = loggerOn(level, (line) => {
    write(line);
    for (const listener of listeners) listener(...readable(line));
  });
  return {
    error: (event, fields) => logger.error(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    info: (event, fields) => logger.info(fields ?? {}, event),
    debug: (event, fields) => logger.debug(fields ?? {}, event),
    tap(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    branch: () => logOn(logger.level, write),
    setLevel(next) {
      logger.level = next;
    },
  };
}

const LEVELS: ReadonlySet<string> = new Set(["error", "warn", "info", "debug"]);

function loggerOn(level: string, write: (line: string) => void): Logger {
  return pino(
    {
      level: LEVELS.has(level) ? level : "info",
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: ["apiKey", "*.apiKey", "authorization", "*.authorization", "token", "*.token", "secret", "*.secret"],
    },
    { write },
  );
}

/** A line that pino wrote, as `event field=value …`. */
function readable(line: string): [LogLevel, string] {
  const { level, time: _, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const parts = Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return [level as LogLevel, [msg, ...parts].join(" ")];
}
