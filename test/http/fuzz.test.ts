import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { recordingLog, silentLog } from "../fakes/log.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { KEY, startDoor, type TestDoor } from "./door.ts";
import { type Assault, assault, createChance } from "./requests.ts";

const SEED = Number(process.env.TANDEM_FUZZ_SEED ?? Date.now() % 1e9);
const ROUNDS = 5;
const PER_ROUND = 1_000;
const AT_ONCE = 50;
/** Beyond the door's own limits, which are far shorter here. */
const DEADLINE_MS = 15_000;
/** What a round may leave behind for good, after the first two have warmed everything up. */
const MOST_GROWTH = 1.1;
const SLACK_BYTES = 2e6;

const LIMITS = { headersMs: 300, requestMs: 400, idleMs: 200, unreadMs: 400, bodyBytes: 100_000 };

test(`5,000 broken requests leave nothing behind (TANDEM_FUZZ_SEED=${SEED})`, async () => {
  const { lines, error } = recordingLog();
  await using fake = await startFakeLlama({ reply: () => "four words of text" });
  await using door = await startDoor(
    { draft: { endpoint: fake.url } },
    { limits: LIMITS },
    { ...silentLog, lines, error },
  );
  const chance = createChance(SEED);
  await answersWell(door);
  await socketsBecome((open) => open <= AT_ONCE);
  const heapBytes: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const assaults = Array.from({ length: PER_ROUND }, () =>
      assault(chance, { host: `127.0.0.1:${door.port}`, key: KEY }),
    );
    await Promise.all(Array.from({ length: AT_ONCE }, () => attack(door.port, assaults)));
    await answersWell(door);
    await socketsBecome((open) => open <= RESTING_SOCKETS);
    heapBytes.push(heapUsedBytes());
  }
  assert.deepEqual(lines, [], "nothing was logged as a bug");
  const [, settled = 0] = heapBytes;
  const last = heapBytes.at(-1) ?? 0;
  assert.ok(last < settled * MOST_GROWTH + SLACK_BYTES, `the heap grew: ${heapBytes.join(", ")}`);
});

/** The fake's listener and the door's own are no sockets; connections between door and fake are kept for reuse. */
const RESTING_SOCKETS = 16;

async function attack(port: number, waiting: Assault[]): Promise<void> {
  for (let next = waiting.pop(); next; next = waiting.pop()) await send(port, next);
}

async function send(port: number, { kind, portions, leaving }: Assault): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const timer = setTimeout(() => reject(new Error(`${kind}, which then ${leaving}, was left hanging`)), DEADLINE_MS);
  socket.on("error", () => undefined);
  socket.on("close", () => resolve());
  socket.on("end", () => socket.end());
  socket.resume();
  for (const portion of portions) await new Promise<void>((written) => socket.write(portion, () => written()));
  if (leaving === "ends") socket.end();
  if (leaving === "leaves") socket.destroy();
  await promise.finally(() => clearTimeout(timer));
}

async function answersWell(door: TestDoor): Promise<void> {
  const answer = await fetch(`${door.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", connection: "close" },
    body: JSON.stringify({ model: "auto", messages: [{ role: "user", content: "hello" }] }),
  });
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /four words of text/);
}

/** Both ends of every connection are in this process. */
async function socketsBecome(isFine: (open: number) => boolean): Promise<void> {
  const startMs = performance.now();
  for (;;) {
    const open = process.getActiveResourcesInfo().filter((it) => it === "TCPSocketWrap").length;
    if (isFine(open)) return;
    if (performance.now() - startMs > DEADLINE_MS) assert.fail(`${open} sockets are still open`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heapUsedBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
