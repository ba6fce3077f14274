import assert from "node:assert/strict";
import { once } from "node:events";
import { access, mkdir, readdir, stat, utimes } from "node:fs/promises";
import { createServer } from "node:net";
import { basename, join } from "node:path";
import { type TestContext, test } from "node:test";
import { writePrivateFile } from "../../server/platform/privateFile.ts";
import { claim } from "../../server/rendezvous/claim.ts";
import { ownEndpoint, readEndpoint } from "../../server/rendezvous/endpoint.ts";
import type { Names } from "../../server/rendezvous/names.ts";
import { place } from "./place.ts";

async function claimed(t: TestContext) {
  const { names } = await place(t);
  const held = await claim(names);
  assert.ok(held);
  t.after(() => held.release());
  return { names, held };
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

test("one has it; when it lets go the next one gets it", async (t) => {
  const { names, held } = await claimed(t);
  assert.equal(await claim(names), null);
  await held.release();
  const next = await claim(names);
  assert.ok(next);
  assert.notEqual(next.socket, held.socket);
  await held.release();
  assert.equal(await claim(names), null, "letting go twice takes nothing from the next");
  await next.release();
});

test("clients find what it announces, and nothing when it has let go", async (t) => {
  const { names, held } = await claimed(t);
  assert.equal(await readEndpoint(names), null);
  const endpoint = await ownEndpoint(held.socket, "1.0.0");
  await held.announce(endpoint);
  assert.deepEqual(await readEndpoint(names), endpoint);
  assert.equal(await claim(names), null);
  assert.deepEqual(await readEndpoint(names), endpoint, "a candidate that failed changed nothing");
  await held.release();
  assert.deepEqual(await readdir(names.folder), [basename(names.lock)]);
});

test("two lives have two secrets", async () => {
  const [one, other] = await Promise.all([ownEndpoint("s", "1.0.0"), ownEndpoint("s", "1.0.0")]);
  assert.match(one.secret, /^[0-9a-f]{64}$/);
  assert.notEqual(one.secret, other.secret);
});

test("it lets go at the end of a block, socket and all", async (t) => {
  const { names } = await place(t);
  {
    await using held = await claim(names);
    assert.ok(held);
    const server = createServer();
    await once(server.listen(held.socket), "listening");
    t.after(() => server.close());
  }
  const left = (await readdir(names.folder)).filter((name) => name.endsWith(".sock"));
  assert.deepEqual(left, []);
});

test("what a killed orchestrator left is cleared away, other instances' is not", async (t) => {
  const { names } = await place(t);
  await mkdir(names.folder, { recursive: true });
  const left = join(names.folder, `${names.instance}-0123456789abcdef.sock`);
  const others = join(names.folder, "another-0123456789abcdef.sock");
  for (const path of [left, others, names.endpoint]) await writePrivateFile(path, "left");
  const held = await claim(names);
  assert.deepEqual(await Promise.all([left, others, names.endpoint].map(exists)), [false, true, false]);
  await held?.release();
});

test("it removes nobody else's endpoint", async (t) => {
  const { names, held } = await claimed(t);
  await held.announce(await ownEndpoint(held.socket, "1.0.0"));
  const next = await ownEndpoint("elsewhere", "2.0.0");
  await writePrivateFile(names.endpoint, JSON.stringify(next));
  await held.release();
  assert.deepEqual(await readEndpoint(names), next);
});

test("its files are touched while it lives, so that no sweeper takes them for forgotten", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { names, held } = await claimed(t);
  await held.announce(await ownEndpoint(held.socket, "1.0.0"));
  const files = [names.lock, names.endpoint];
  for (const path of files) await utimes(path, 1_000, 1_000);
  const isOld = async (path: string) => (await stat(path)).mtimeMs === 1_000_000;
  t.mock.timers.tick(24 * 60 * 60 * 1_000);
  for (const path of files) while (await isOld(path)) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await claim(names), null, "and that lets nothing go");
});

const whole = await ownEndpoint("/run/a.sock", "1.0.0");
const garbage: readonly { name: string; text: string }[] = [
  { name: "nothing", text: "" },
  { name: "half of it", text: JSON.stringify(whole).slice(0, 40) },
  { name: "zeros, as after a crash of the machine", text: "\0".repeat(300) },
  { name: "a list", text: "[]" },
  { name: "a secret too short", text: JSON.stringify({ ...whole, secret: "00" }) },
  { name: "no socket", text: JSON.stringify({ ...whole, socket: "" }) },
  { name: "a process that cannot be", text: JSON.stringify({ ...whole, pid: -1 }) },
];

for (const { name, text } of garbage)
  test(`an endpoint file that holds ${name} is none`, async (t) => {
    const { names } = await place(t);
    await mkdir(names.folder, { recursive: true });
    await writePrivateFile(names.endpoint, text);
    assert.equal(await readEndpoint(names), null);
  });

test("an instance has its own files", async (t) => {
  const [one, other]: readonly Names[] = [(await place(t)).names, (await place(t)).names];
  assert.notEqual(one?.instance, other?.instance);
});
