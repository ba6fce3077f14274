/** What one step of the check came to. */
export interface Step {
  readonly name: string;
  /** `skipped`: this machine cannot show it, and why is said. */
  readonly outcome: "passed" | "failed" | "skipped";
  /** For people: what was compared with what. */
  readonly lines: readonly string[];
  /** The same for programs. */
  readonly figures: Readonly<Record<string, unknown>>;
}

/** The whole check; what is written beside the text. */
export interface Report {
  readonly atMs: number;
  readonly isFake: boolean;
  readonly machine: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
}

export function textOf({ atMs, isFake, machine, steps }: Report): string {
  const lines = [
    `Tandem's check of this machine's GPUs, ${new Date(atMs).toISOString()}${isFake ? ", against fakes" : ""}`,
    ...Object.entries(machine).map(
      ([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`,
    ),
    ...steps.flatMap((it) => ["", `${it.outcome.toUpperCase()} ${it.name}`, ...it.lines.map((line) => `  ${line}`)]),
    "",
    verdictOf(steps),
  ];
  return `${lines.join("\n")}\n`;
}

export function verdictOf(steps: readonly Step[]): string {
  const count = (outcome: Step["outcome"]) => steps.filter((it) => it.outcome === outcome).length;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`;
}

/** What a step checks, one line for each thing compared. */
export function createComparison() {
  const lines: string[] = [];
  let isRight = true;
  return {
    lines,
    note: (line: string) => void lines.push(line),
    check(isSo: boolean, line: string) {
      lines.push(`${isSo ? "yes" : "NO "} ${line}`);
      isRight &&= isSo;
    },
    outcome: (): Step["outcome"] => (isRight ? "passed" : "failed"),
  };
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

/** How far `value` is from `from`, in percent of it. */
export function offPercent(value: number, from: number): number {
  return from === 0 ? (value === 0 ? 0 : 100) : ((value - from) / from) * 100;
}
