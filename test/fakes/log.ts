import type { Log } from "../../server/ports.ts";

export const silentLog: Log = { error() {}, warn() {}, info() {}, debug() {} };

/** Keeps what was logged, one JSON text a line, so that a test can look for what must or must not be in it. */
export function recordingLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (event: string, fields?: Record<string, unknown>) => {
    lines.push(JSON.stringify({ level, event, ...fields }));
  };
  return { lines, error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}
