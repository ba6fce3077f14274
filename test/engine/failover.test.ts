import assert from "node:assert/strict";
import { test } from "node:test";
import type { Engine } from "../../server/ports.ts";
import { run } from "../../server/protocol/requests.ts";
import type { RunEvent } from "../../server/protocol/run.ts";
import { silentLog } from "../fakes/log.ts";
import { startOrchestrator, type TestClient, type TestOrchestrator } from "../server/orchestrator.ts";
import { realEngines } from "../server/testWorld.ts";
import { unixOnly } from "../setup/only.ts";
import { ensureTinyLlama } from "../setup/tinyllama.ts";

const QUESTION = "Name the days of the week, one on each line, and say of each what it is good for.";
/** Pieces of text after which the engine is killed. */
const KILL_AFTER = 8;

interface Stage extends AsyncDisposable {
  readonly client: TestClient;
  /** In the order in which they were loaded. */
  readonly engines: readonly Engine[];
}

/** The small model twice, each in a process of its own. */
async function stage(): Promise<Stage> {
  const { path } = await ensureTinyLlama((line) => void process.stderr.write(`${line}\n`), AbortSignal.timeout(60_000));
  const engines: Engine[] = [];
  const open = realEngines(silentLog);
  const orchestrator: TestOrchestrator = await startOrchestrator({
    async openEngine(spec, signal) {
      const engine = await open(spec, signal);
      engines.push(engine);
      return engine;
    },
  });
  const model = `file:${path}`;
  const client = await orchestrator.connect({ draft: { model }, audit: { model }, auditWhen: "never", maxTokens: 48 });
  return { client, engines, [Symbol.asyncDispose]: () => orchestrator[Symbol.asyncDispose]() };
}

/** Kills the engine that writes, once, in the middle of its text. */
function killer(engines: readonly Engine[]) {
  const events: RunEvent[] = [];
  let pieces = 0;
  return {
    events,
    onEvent(event: RunEvent): void {
      events.push(event);
      if (event.kind !== "draft" || ++pieces !== KILL_AFTER) return;
      const [writing] = engines;
      process.kill(writing?.pid ?? 0, "SIGKILL");
    },
    text: () => events.flatMap((it) => (it.kind === "draft" ? [it.text] : [])).join(""),
    seams: () => events.flatMap((it) => (it.kind === "seam" && it.seam.atCharacters > 0 ? [it.seam] : [])),
  };
}

test("a real engine that is killed in the middle of an answer: another process goes on, and its user sees a seam and no error", {
  skip: unixOnly,
}, async () => {
  await using it = await stage();
  const heard = killer(it.engines);
  const result = await it.client.send(run, { action: "ask", instruction: QUESTION }, heard);
  assert.ok(result.kind === "answer");
  assert.equal(result.markdown, heard.text());
  assert.deepEqual(result.seams, heard.seams());
  const [seam, ...more] = result.seams;
  assert.deepEqual(more, []);
  assert.match(seam?.why ?? "", /signal SIGKILL/);
  const before = heard.events.slice(
    0,
    heard.events.findIndex((event) => event.kind === "seam"),
  );
  const written = before.flatMap((event) => (event.kind === "draft" ? [event.text] : [])).join("");
  assert.ok(written.length >= KILL_AFTER && seam?.atCharacters === written.length);
  assert.ok(result.markdown.length > written.length);
  assert.ok(!heard.events.some((event) => event.kind === "retry"));
});
