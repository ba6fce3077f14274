import type { Say } from "../setup/debian.ts";

/** Counts and prints what passed and failed, as it happens. */
export interface Results {
  passed(title: string, ms: number): void;
  failed(title: string, error: string): void;
  /** Prints the sum and answers with the exit code. */
  finish(): number;
}

export function createResults(say: Say): Results {
  let passes = 0;
  const failures: string[] = [];
  return {
    passed(title, ms) {
      passes += 1;
      say(`  ✔ ${title} (${(ms / 1_000).toFixed(1)} s)`);
    },
    failed(title, error) {
      failures.push(title);
      say(`  ✖ ${title}\n${error.replace(/^/gm, "      ")}`);
    },
    finish() {
      for (const title of failures) say(`failed: ${title}`);
      say(`${passes} passed, ${failures.length} failed`);
      return failures.length === 0 && passes > 0 ? 0 : 1;
    },
  };
}
