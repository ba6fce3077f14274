import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ensureChromium } from "../setup/chromium.ts";
import { ensureCodeServer } from "../setup/codeServer.ts";
import { ensureTinyLlama } from "../setup/tinyllama.ts";
import { launchBrowser } from "./browser.ts";
import { runInHost } from "./inHost.ts";
import { documentEmbedded } from "./journeys/documentEmbedded.ts";
import { explainStreams } from "./journeys/explainStreams.ts";
import { implementServed } from "./journeys/implementServed.ts";
import type { Journey } from "./journeys/journey.ts";
import { killedOrchestrator } from "./journeys/killedOrchestrator.ts";
import { sidebarShows } from "./journeys/sidebarShows.ts";
import { twoWindows } from "./journeys/twoWindows.ts";
import { createResults, type Results } from "./results.ts";
import { play, type Stage } from "./stage.ts";
import { ensureVsix } from "./vsix.ts";

const JOURNEYS = [twoWindows, killedOrchestrator, explainStreams, sidebarShows, documentEmbedded, implementServed];
const JOURNEY_TIMEOUT_MS = 240_000;

const say = (line: string) => void process.stdout.write(`${line}\n`);

/** Proof in a real VS Code: `node test/host/run.ts [part of a title …]`; "in-host" names the tests inside it. */
async function main(wanted: readonly string[], signal: AbortSignal): Promise<number> {
  const root = join(import.meta.dirname, "..", "..");
  const resultsFolder = join(root, "dist", "test-results");
  const isWanted = (title: string) => wanted.length === 0 || wanted.some((it) => title.toLowerCase().includes(it));
  await rm(resultsFolder, { recursive: true, force: true });
  const chromium = await ensureChromium(say, signal);
  const codeServer = await ensureCodeServer(say, signal);
  await ensureTinyLlama(say, signal);
  const vsix = await ensureVsix(root, say, signal);
  const browser = await launchBrowser(chromium);
  const results = createResults(say);
  try {
    const stage = { browser, codeServer, vsix, resultsFolder };
    if (isWanted("in-host")) await inHost(stage, results, signal);
    const journeys = JOURNEYS.filter((it) => isWanted(it.title));
    if (journeys.length > 0) say("journeys of a user");
    for (const journey of journeys) await travel(journey, stage, results, signal);
  } finally {
    await browser.close();
  }
  return results.finish();
}

async function inHost(stage: Stage, results: Results, signal: AbortSignal): Promise<void> {
  say("inside the extension host");
  try {
    await runInHost(stage, results, signal);
  } catch (error) {
    signal.throwIfAborted();
    results.failed("the tests inside VS Code start", textOf(error));
  }
}

async function travel(journey: Journey, stage: Stage, results: Results, signal: AbortSignal): Promise<void> {
  const startedMs = performance.now();
  const until = AbortSignal.any([signal, AbortSignal.timeout(JOURNEY_TIMEOUT_MS)]);
  try {
    await journey.play((scene, act) => play(stage, scene, act, until), until);
    results.passed(journey.title, performance.now() - startedMs);
  } catch (error) {
    signal.throwIfAborted();
    results.failed(journey.title, textOf(error));
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const stopped = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(name, () => stopped.abort(new Error(`stopped by ${name}`)));
try {
  process.exitCode = await main(
    process.argv.slice(2).map((it) => it.toLowerCase()),
    stopped.signal,
  );
} catch (error) {
  say(textOf(error));
  process.exitCode = 1;
}
