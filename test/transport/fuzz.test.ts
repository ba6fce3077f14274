import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { recordingLog } from "../fakes/log.ts";
import { framed, type RawClient, startDoor, type TestDoor } from "./door.ts";
import { type Chance, createChance, hostile } from "./hostile.ts";

const ROUNDS = 20;
const CLIENTS = 10;
const MESSAGES = 25;
/** The first rounds fill caches and compile code. */
const WARM_ROUNDS = 5;
/** What a round leaves behind would be there twenty times. */
const MOST_GROWTH = 1.5;

/** TANDEM_FUZZ_SEED has the same messages again. */
const seed = Number(process.env.TANDEM_FUZZ_SEED ?? randomInt(2 ** 31));

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

test(`5,000 hostile messages, seed ${seed}: a client beside them is answered, and nothing is left of them`, {
  timeout: 120_000,
}, async () => {
  const log = recordingLog();
  const answers = new Set<number | boolean>();
  await using door = await startDoor({ log });
  const good = await door.enter("editor");
  await good.initialize();
  const heap: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = door.served.length;
    await Promise.all([...attacks(door, round, answers), behave(good, round)]);
    await left(door, before);
    collectGarbage();
    heap.push(process.memoryUsage().heapUsed);
  }
  assert.deepEqual(
    log.lines.filter((it) => it.includes('"event":"bug"')),
    [],
  );
  // Else they got no further than the first check.
  for (const code of [-32_700, -32_600, -32_601, -32_602, -32_002, true]) assert.ok(answers.has(code), `no ${code}`);
  const [early, late] = [heap[WARM_ROUNDS] ?? 0, heap.at(-1) ?? Number.NaN];
  assert.ok(late < early * MOST_GROWTH, `the heap grew: ${heap.join(", ")}`);
});

/** Each client sends its share in pieces, and goes in one way or another. */
function attacks(door: TestDoor, round: number, answers: Set<number | boolean>): Promise<void>[] {
  return Array.from({ length: CLIENTS }, async (_, number) => {
    // Its own, so that what it sends does not hang on who comes first.
    const chance = createChance(seed + round * CLIENTS + number);
    const client = await door.enter(chance.pick(["cli", "editor"]));
    // Half of them get further than the first message.
    if (chance.isOneIn(2)) client.bytes(framed('{"id":"i","method":"initialize","params":{"capabilities":{}}}'));
    for (let sent = 0; sent < MESSAGES; sent++) {
      for (const piece of pieces(hostile(chance), chance)) client.bytes(piece);
      if (chance.isOneIn(200)) client.socket.pause();
      if (chance.isOneIn(3)) await new Promise((resolve) => setImmediate(resolve));
    }
    if (!chance.isOneIn(5)) await answered(client);
    for (const it of client.received) answers.add(it?.error?.code ?? "result" in it);
    leave(client, chance);
    await client.closed;
  });
}

function pieces(bytes: Buffer, chance: Chance): Buffer[] {
  if (chance.isOneIn(2)) return [bytes];
  const at = chance.number(bytes.length + 1);
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

/** Gives the server the time to get to the end of it, if the end can be told from the rest. */
async function answered(client: RawClient): Promise<void> {
  let turns = 0;
  client.send({ id: "last", method: "tandem/status" });
  while (turns++ < 200 && !client.socket.closed && !client.received.some((it) => it?.id === "last"))
    await new Promise((resolve) => setImmediate(resolve));
}

function leave(client: RawClient, chance: Chance): void {
  // One that does not read hears of no end either.
  client.socket.resume();
  switch (chance.number(3)) {
    case 0:
      client.socket.destroy();
      return;
    case 1:
      client.socket.end();
      return;
    default:
      client.send({ method: "exit" });
      // It may be that nothing can be understood any more.
      client.socket.end();
  }
}

/** Asks what an editor asks; every answer must come, and be right. */
async function behave(good: RawClient, round: number): Promise<void> {
  const uri = `file:///good-${round}.ts`;
  const textDocument = { uri, languageId: "typescript", version: 1, text: "const one = 1;\n" };
  good.send({ method: "textDocument/didOpen", params: { textDocument } });
  for (let times = 0; times < 20; times++) {
    const id = `${round}-${times}`;
    const argument = { action: "refactor", uri };
    const answer = await good.ask("workspace/executeCommand", { command: "tandem.run", arguments: [argument] }, id);
    assert.equal(answer.result?.edit.changes[uri][0].newText, "// x\n", JSON.stringify(answer));
  }
  good.send({ method: "textDocument/didClose", params: { textDocument: { uri } } });
}

/** Waits until the clients from `from` on have gone, and sees that nothing of them runs. */
async function left(door: TestDoor, from: number): Promise<void> {
  for (const { client, session } of door.served.slice(from)) {
    await client.gone;
    while (client.running() > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual({ working: session.working, disposals: session.disposals }, { working: 0, disposals: 1 });
  }
  assert.equal(door.served.length - from, CLIENTS);
  while (door.clients() > 1) await new Promise((resolve) => setImmediate(resolve));
  door.forget(from);
}
