import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Status } from "../../server/protocol/status.ts";
import { silentLog } from "../fakes/log.ts";
import { testWorld } from "./testWorld.ts";

const turns = () => new Promise<void>((resolve) => setImmediate(resolve));
const client = { kind: "vscode", pid: 1, version: "0.0.0-test" } as const;

test("who follows hears once a second, and nobody else does; who stops is left alone", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "tandem-follow-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await using world = testWorld(folder, silentLog);
  const heard = { follower: [] as Status[], other: [] as Status[] };
  using follower = world.connect(client, (it) => heard.follower.push(it));
  using _other = world.connect(client, (it) => heard.other.push(it));
  await follower.handlers.status({}, { emit: () => undefined, signal: new AbortController().signal });
  await turns();
  t.mock.timers.enable({ apis: ["setInterval"] });
  const before = { follower: heard.follower.length, other: heard.other.length };
  const told = () => [heard.follower.length - before.follower, heard.other.length - before.other];
  const stop = new AbortController();
  const following = follower.handlers.follow({}, { emit: () => undefined, signal: stop.signal });
  await turns();
  t.mock.timers.tick(3_000);
  assert.deepEqual(told(), [3, 0]);
  stop.abort();
  await assert.rejects(following, { code: "cancelled" });
  t.mock.timers.tick(3_000);
  assert.deepEqual(told(), [3, 0]);
});
