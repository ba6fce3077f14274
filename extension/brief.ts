import type { Status } from "../server/protocol/status.ts";

/** What the status bar has room for. */
export interface Brief {
  /** The model that drafts and the fullest GPU, as "Qwen 14B · 67 %"; "" while nothing is loaded. */
  readonly text: string;
  /** Why somebody should look; null where nothing is wrong. */
  readonly alarm: string | null;
}

/** Longer names are cut: the bar is everybody's. */
const LONGEST_NAME = 22;

export function briefOf({ engines, gpus }: Status): Brief {
  const own = engines.filter((it) => it.roles.length > 0 && it.state === "ready");
  const [first] = [...own].sort((a, b) => Number(b.roles.includes("draft")) - Number(a.roles.includes("draft")));
  const shares = gpus.flatMap(({ usedBytes, totalBytes, health }) =>
    health === "ok" && usedBytes !== null && totalBytes ? [usedBytes / totalBytes] : [],
  );
  const name = first && shortened(first.model.label);
  const fullest = shares.length > 0 ? `${Math.round(100 * Math.max(...shares))} %` : "";
  return { text: name ? [name, fullest].filter((it) => it !== "").join(" · ") : "", alarm: alarmOf(gpus) };
}

/** The worst first. */
function alarmOf(gpus: Status["gpus"]): string | null {
  for (const { name, pressure } of gpus) if (pressure === "critical") return `memory of ${name} is critical`;
  for (const { name, thermal } of gpus)
    if (thermal?.level === "critical" || thermal?.level === "hot") return `${name} is hot: ${thermal.why}`;
  for (const { name, health, trouble } of gpus)
    if (health === "broken") return `${name} is not read: ${trouble?.reason ?? "nobody knows why"}`;
  return null;
}

function shortened(label: string): string {
  // What stands in brackets is for who chooses a model.
  const plain = label.replace(/\s*\(.*\)$/, "");
  return plain.length > LONGEST_NAME ? `${plain.slice(0, LONGEST_NAME - 1)}…` : plain;
}
