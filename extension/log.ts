import { z } from "zod";

/** What the server writes to stderr: one JSON object per line. */
const ServerLine = z.looseObject({ level: z.union([z.string(), z.number()]), msg: z.string() });
const HOUSEKEEPING: ReadonlySet<string> = new Set(["level", "msg", "time", "pid", "hostname"]);

type Level = "error" | "warn" | "info" | "debug";

/** Most lines of a log that are quoted to the user. */
const MOST_LINES = 3;

/** The end of what a server said before it went, for people: events and fields, without dates and braces. */
export function lastWords(text: string): string {
  const lines = text.split("\n").filter((it) => it.trim() !== "");
  return lines
    .slice(-MOST_LINES)
    .map((it) => readServerLine(it).text.trim())
    .join("; ");
}

/** A line of the server's log: its own level, the event, then the fields. Any other text as it is. */
export function readServerLine(line: string): { readonly level: Level; readonly text: string } {
  const parsed = ServerLine.safeParse(tryJson(line));
  if (!parsed.success) return { level: "info", text: line };
  const fields = Object.entries(parsed.data).filter(([key]) => !HOUSEKEEPING.has(key));
  const text = fields.map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return { level: levelOf(parsed.data.level), text: [parsed.data.msg, ...text].join(" ") };
}

function levelOf(level: string | number): Level {
  if (typeof level === "number") return level >= 50 ? "error" : level >= 40 ? "warn" : level >= 30 ? "info" : "debug";
  if (level === "error" || level === "fatal") return "error";
  if (level === "warn" || level === "info") return level;
  return "debug";
}

function tryJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
