import { pino } from "pino";
import type { Log } from "./ports.ts";

/** One line per fact on stderr; stdout belongs to the protocol. Secrets are cut out by their names. */
export function createLog(level: string): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: ["apiKey", "*.apiKey", "authorization", "*.authorization", "token", "*.token"],
    },
    pino.destination({ dest: 2, sync: true }),
  );
  return {
    error: (event, fields) => logger.error(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    info: (event, fields) => logger.info(fields ?? {}, event),
    debug: (event, fields) => logger.debug(fields ?? {}, event),
  };
}
