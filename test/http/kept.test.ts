import assert from "node:assert/strict";
import { test } from "node:test";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startDoor } from "./door.ts";
import { BEARER } from "./rows.ts";

const CHAT = JSON.stringify({ model: "auto", stream: true, messages: [{ role: "user", content: "hello" }] });

test("answered requests are let go, however long their time limit is", async () => {
  await using fake = await startFakeLlama({ reply: () => "one two three" });
  await using door = await startDoor({ draft: { endpoint: fake.url } });
  const headers = { ...BEARER, "content-type": "application/json" };
  const ask = async () =>
    (await fetch(`${door.url}/v1/chat/completions`, { method: "POST", headers, body: CHAT })).text();
  const kept: WeakRef<AbortSignal>[] = [];
  const { any } = AbortSignal;
  AbortSignal.any = (signals) => {
    const made = any.call(AbortSignal, signals);
    kept.push(new WeakRef(made));
    return made;
  };
  try {
    for (let at = 0; at < 50; at++) await ask();
  } finally {
    AbortSignal.any = any;
  }
  const collect = await collector();
  await new Promise(setImmediate);
  collect();
  const left = kept.filter((it) => it.deref() !== undefined).length;
  assert.ok(kept.length >= 50, `${kept.length} were made`);
  // The last requests' may still be held by what runs behind their answers.
  assert.ok(left < kept.length / 5, `${left} of ${kept.length} are still held`);
});

/** The garbage collector, which Node shows when it is asked to. */
async function collector(): Promise<() => void> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import("node:v8"), import("node:vm")]);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
