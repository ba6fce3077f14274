import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { createLog } from "../../server/log.ts";

test("a client hears of everybody's affairs and of its own, not of its neighbour's; secrets are cut out", (t) => {
  t.mock.method(process.stderr, "write", () => true);
  const log = createLog("info");
  const [mine, theirs] = [log.branch(), log.branch()];
  const heard: string[] = [];
  using _shared = log.tap((level, text) => heard.push(`${level} ${text}`));
  const own = mine.tap((level, text) => heard.push(`${level} ${text}`));
  log.info("engine ready", { engine: "draft", ms: 12 });
  mine.warn("request failed", { source: { apiKey: "hidden" } });
  theirs.info("routed", { action: "fix" });
  mine.debug("too fine");
  mine.setLevel("debug");
  mine.debug("fine");
  own[Symbol.dispose]();
  mine.info("nobody listens");
  assert.deepEqual(heard, [
    "info engine ready engine=draft ms=12",
    'warn request failed source={"apiKey":"[Redacted]"}',
    "debug fine",
  ]);
});

test("a level there is not is as good as none", () => {
  const log = createLog("chatty");
  const heard: string[] = [];
  log.tap((_, text) => heard.push(text));
  log.debug("too fine");
  assert.deepEqual(heard, []);
});

test("a log file never grows beyond its size", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tandem-log-"));
  try {
    const path = join(folder, "log");
    const file = await open(path, "a");
    const program = `
      import { createLog } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, "..", "..", "server", "log.ts")).href)};
      const log = createLog("info", { mostBytes: 4_000 });
      for (let line = 0; line < 1_000; line++) log.info("line", { line });`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "ignore", file.fd],
    });
    assert.deepEqual(await once(child, "exit"), [0, null]);
    await file.close();
    const text = await readFile(path, "utf8");
    assert.ok(text.length > 0 && text.length < 4_000, `${text.length} characters`);
    assert.match(text, /"line":999/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
