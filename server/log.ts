import { pino } from "pino";
import type { Log } from "./ports.ts";

export type LogLevel = "error" | "warn" | "info" | "debug";

/** The log, with whoever listens to it. */
export interface TappedLog extends Log {
  /** Each line as a level and a text for people. Stop by disposing. */
  tap(listener: (level: LogLevel, text: string) => void): Disposable;
}

/** One line per fact on stderr; stdout belongs to the protocol. Secrets are cut out by their names. */
export function createLog(level: string): TappedLog {
  const listeners = new Set<(level: LogLevel, text: string) => void>();
  const stderr = pino.destination({ dest: 2, sync: true });
  const write = (line: string) => {
    stderr.write(line);
    for (const listener of listeners) listener(...readable(line));
  };
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: ["apiKey", "*.apiKey", "authorization", "*.authorization", "token", "*.token", "secret", "*.secret"],
    },
    { write },
  );
  return {
    error: (event, fields) => logger.error(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    info: (event, fields) => logger.info(fields ?? {}, event),
    debug: (event, fields) => logger.debug(fields ?? {}, event),
    tap(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

/** A line that pino wrote, as `event field=value …`. */
function readable(line: string): [LogLevel, string] {
  const { level, time: _, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const parts = Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return [level as LogLevel, [msg, ...parts].join(" ")];
}
