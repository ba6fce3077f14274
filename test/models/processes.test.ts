import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type FakeHub, startHub } from "../fakes/hub.ts";
import { bytesOf, entryOf, grown, makePlace, onHub, type Place } from "./place.ts";

const body = bytesOf(400_000);
const { path, source } = onHub("m");
const catalogue = JSON.stringify([entryOf("m", body, [source])]);
const worker = fileURLToPath(new URL("worker.ts", import.meta.url));

test("two processes at once: one downloads, the other waits, tells how far it is, and finds the file", async () => {
  await using hub = await startHub();
  await using place = await makePlace();
  const released = Promise.withResolvers<void>();
  hub.serve(path, { body, faults: [{ kind: "stall", afterBytes: 150_000, until: () => released.promise }] });
  await using first = start(place, hub);
  await grown(place, "m", 150_000);
  await using second = start(place, hub);
  await second.line((it) => it === "progress 150000");
  released.resolve();
  assert.equal(await first.line((it) => it.startsWith("done")), `done ${place.path("m")}`);
  assert.equal(await second.line((it) => it.startsWith("done")), `done ${place.path("m")}`);
  assert.deepEqual(await Promise.all([first.code(), second.code()]), [0, 0]);
  assert.equal(hub.fetches().length, 1);
  assert.deepEqual(await readFile(place.path("m")), body);
});

test("the downloader is killed: the one waiting takes over where it stopped", async () => {
  await using hub = await startHub();
  await using place = await makePlace();
  const never = () => new Promise<void>(() => {});
  hub.serve(path, { body, faults: [{ kind: "stall", afterBytes: 150_000, until: never }] });
  await using first = start(place, hub);
  await grown(place, "m", 150_000);
  await using second = start(place, hub);
  await second.line((it) => it === "progress 150000");
  first.kill();
  assert.equal(await second.line((it) => it.startsWith("done")), `done ${place.path("m")}`);
  assert.deepEqual(
    hub.fetches().map((it) => it.range),
    [null, "bytes=150000-"],
  );
  assert.deepEqual(await readFile(place.path("m")), body);
});

interface Running extends AsyncDisposable {
  /** The first line, from the last one asked for on, that fits. */
  line(fits: (line: string) => boolean): Promise<string>;
  code(): Promise<number | null>;
  kill(): void;
}

function start(place: Place, hub: FakeHub): Running {
  const child: ChildProcess = spawn(process.execPath, [worker, place.folder, "m", catalogue], {
    env: { ...process.env, HF_ENDPOINT: hub.url, http_proxy: "", HTTP_PROXY: "" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  assert.ok(child.stdout);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async line(fits) {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error("the process ended without the line");
        if (fits(value)) return value;
      }
    },
    async code() {
      await exited;
      return child.exitCode;
    },
    kill: () => void child.kill("SIGKILL"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
