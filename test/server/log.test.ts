import assert from "node:assert/strict";
import { test } from "node:test";
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
