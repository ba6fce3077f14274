import type { DownloadProgress } from "../server/protocol/models.ts";
import type { RunEvent } from "../server/protocol/run.ts";

/** What the words for the next event depend on. */
export interface Progress {
  readonly device: string;
  readonly draft: string;
  /** One line in plain words, for a notification or a header. */
  readonly message: string;
}

export const started: Progress = { device: "", draft: "", message: "starting" };

/** A notification makes a button of the link. */
const DRAFTED = "the draft is written, its audit goes on: [use it now](command:tandem.acceptNow)";

/** The progress after one more event. Findings and notices change nothing: they are shown elsewhere. */
export function advance(progress: Progress, event: RunEvent): Progress {
  switch (event.kind) {
    case "classified": {
      const target = event.target ? ` for ${event.target}` : "";
      return { ...progress, message: `classified as ${event.action}${target} (${event.tier})` };
    }
    case "routed": {
      const audit = event.audit ? `, audited by ${event.audit.model} on ${event.audit.device}` : "";
      return {
        ...progress,
        device: event.draft.device,
        message: `routed to ${event.draft.model} on ${event.draft.device}${audit}`,
      };
    }
    case "waiting":
      return { ...progress, message: event.why ?? placeText(event.position) };
    case "downloading":
      return { ...progress, message: downloadText(event.progress) };
    case "loading":
      return { ...progress, message: `loading ${event.model}` };
    case "ready":
      return { ...progress, message: `${event.model.label} is ready` };
    case "draft": {
      const draft = progress.draft + event.text;
      const lines = draft.split("\n").length;
      return { ...progress, draft, message: `drafting${on(progress.device)}, line ${lines}` };
    }
    case "audited":
      return { ...progress, message: `auditing part ${event.part}${event.isOk ? "" : ": something to look at"}` };
    case "retry":
      return { ...progress, draft: "", message: `trying again: ${event.why}` };
    case "drafted":
      return { ...progress, message: DRAFTED };
    case "cloud":
      return { ...progress, message: `asking ${event.host}, in the cloud` };
    case "seam":
      return { ...progress, message: `${event.seam.to} goes on where ${event.seam.from} broke off` };
    case "finding":
    case "critique":
    case "notice":
      return progress;
  }
}

/** "downloading Qwen 34 % of 1.1 GB, 12 MB/s, 40 s left" */
export function downloadText(progress: DownloadProgress): string {
  const { model, doneBytes, totalBytes, bytesPerSecond, etaMs } = progress;
  const parts = [
    totalBytes
      ? `downloading ${model} ${Math.floor((100 * doneBytes) / totalBytes)} % of ${bytes(totalBytes)}`
      : `downloading ${model}, ${bytes(doneBytes)} so far`,
  ];
  if (bytesPerSecond !== null) parts.push(`${bytes(bytesPerSecond)}/s`);
  if (etaMs !== null) parts.push(`${duration(etaMs)} left`);
  return parts.join(", ");
}

/** Decimal units, as disks and networks are sold. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = Math.max(0, count);
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function on(device: string): string {
  return device ? ` on ${device}` : "";
}

function placeText(position: number): string {
  return position <= 1 ? "waiting, next in line" : `waiting, ${ordinal(position)} in line`;
}

/** 2nd, 3rd, 11th, 21st. */
function ordinal(count: number): string {
  const tens = count % 100;
  const suffix = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][count % 10] ?? "th");
  return `${count}${suffix}`;
}
