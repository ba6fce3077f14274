import assert from "node:assert/strict";
import { test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import { createHttpDoors, type OpenDoor } from "../../server/httpDoors.ts";
import { type ServeEvent, ServeParams } from "../../server/protocol/service.ts";

/** Doors that note when they are opened and closed; `hold` serves one until it is let go. */
function stage() {
  const log: string[] = [];
  const doors = createHttpDoors();
  const open = (url: string) => async (): Promise<OpenDoor> => {
    log.push(`open ${url}`);
    return {
      url,
      keyFile: "key",
      breakOff: () => void log.push(`break off ${url}`),
      async [Symbol.asyncDispose]() {
        log.push(`close ${url}`);
      },
    };
  };
  const hold = async (given: object, url: string) => {
    const stop = new AbortController();
    const listening = Promise.withResolvers<ServeEvent>();
    const params = ServeParams.parse(given);
    const ended = doors.serve(params, open(url), { emit: listening.resolve, signal: stop.signal }).catch((error) => {
      listening.reject(error);
      return error as unknown;
    });
    await listening.promise;
    const letGo = async () => {
      stop.abort();
      return ended;
    };
    return { ended, letGo };
  };
  return { log, doors, hold };
}

test("the first opens the door, the second joins, and it closes with the last", async () => {
  const { log, doors, hold } = stage();
  const first = await hold({ port: 1 }, "one");
  const second = await hold({ port: 1 }, "one");
  assert.equal(doors.url(), "one");
  await first.letGo();
  assert.deepEqual(log, ["open one"]);
  await second.letGo();
  assert.deepEqual(log, ["open one", "close one"]);
  assert.equal(doors.url(), null);
});

test("another port is another door; other options for the same one are refused and leave it open", async () => {
  const { log, hold } = stage();
  const first = await hold({ port: 1 }, "one");
  const second = await hold({ port: 2 }, "two");
  await assert.rejects(hold({ port: 1, allowedHosts: ["other"] }, "one"), /one is open already, with other options/);
  await second.letGo();
  assert.deepEqual(log, ["open one", "open two", "close two"]);
  await first.letGo();
});

test("a door that cannot be opened is told to who asked, and can be tried again", async () => {
  const { log, doors, hold } = stage();
  const taken = new TandemError("not-configured", "port 1 is taken", "choose another");
  const call = { emit: () => undefined, signal: new AbortController().signal };
  await assert.rejects(
    doors.serve(ServeParams.parse({ port: 1 }), () => Promise.reject(taken), call),
    taken,
  );
  const held = await hold({ port: 1 }, "one");
  assert.deepEqual(log, ["open one"]);
  await held.letGo();
});

test("who reopens a door that is being closed waits until its address is free", async () => {
  const { log, doors } = stage();
  const closed = Promise.withResolvers<void>();
  const slow = async (): Promise<OpenDoor> => ({
    url: "slow",
    keyFile: "key",
    breakOff: () => undefined,
    [Symbol.asyncDispose]: () => closed.promise,
  });
  const params = ServeParams.parse({ port: 1 });
  const stop = new AbortController();
  const isOpen = Promise.withResolvers<void>();
  const first = doors.serve(params, slow, { emit: () => isOpen.resolve(), signal: stop.signal });
  await isOpen.promise;
  stop.abort();
  const again = new AbortController();
  const reopened = Promise.withResolvers<void>();
  const fresh = async (): Promise<OpenDoor> => {
    log.push("open again");
    return { url: "again", keyFile: "key", breakOff: () => undefined, async [Symbol.asyncDispose]() {} };
  };
  await new Promise(setImmediate);
  const second = doors.serve(params, fresh, { emit: () => reopened.resolve(), signal: again.signal });
  assert.deepEqual(log, []);
  closed.resolve();
  await reopened.promise;
  again.abort();
  await Promise.allSettled([first, second]);
  assert.deepEqual(log, ["open again"]);
});

test("an orchestrator that leaves tells its holders, and closes every door", async () => {
  const { log, doors, hold } = stage();
  const held = await hold({ port: 1 }, "one");
  await doors[Symbol.asyncDispose]();
  const error = await held.ended;
  assert.ok(error instanceof TandemError && error.code === "shutting-down");
  assert.ok(log.includes("close one"));
});
