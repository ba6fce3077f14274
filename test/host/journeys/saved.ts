import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

const TIMEOUT_MS = 10_000;
const POLL_MS = 50;

/** The file's text once it is what is waited for; saving in VS Code has no event that can be seen from outside. */
export async function saved(path: string, isIt: (text: string) => boolean, signal: AbortSignal): Promise<string> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  for (;;) {
    const text = await readFile(path, "utf8");
    if (isIt(text)) return text;
    await delay(POLL_MS, undefined, { signal: until });
  }
}
