import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Agent, request } from "undici";
import { TandemError } from "../../server/errors.ts";
import { startDoor } from "./door.ts";
import { BEARER } from "./rows.ts";

const binds: readonly { name: string; options: object; opens: boolean }[] = [
  { name: "beyond loopback without TLS", options: { host: "0.0.0.0" }, opens: false },
  { name: "beyond loopback where that was allowed", options: { host: "0.0.0.0", isPlainAllowed: true }, opens: true },
  { name: "localhost", options: { host: "localhost" }, opens: true },
];
for (const { name, options, opens } of binds)
  test(`${name}: ${opens ? "opens" : "is refused"}`, async () => {
    const opened = startDoor({}, options);
    if (opens) return (await opened)[Symbol.asyncDispose]();
    await assert.rejects(
      opened,
      (error) => error instanceof TandemError && error.code === "not-configured" && error.nextStep !== "",
    );
  });

test("beyond loopback the list of models takes the key as well, and names mean nothing", async () => {
  await using wide = await startDoor({}, { host: "0.0.0.0", isPlainAllowed: true });
  const url = `http://127.0.0.1:${wide.port}`;
  assert.equal((await fetch(`${url}/health`)).status, 200);
  assert.equal((await fetch(`${url}/v1/models`)).status, 401);
  assert.equal((await fetch(`${url}/v1/models`, { headers: BEARER })).status, 200);
});

test("a port that is taken is said to be", async () => {
  await using first = await startDoor({});
  await assert.rejects(
    startDoor({}, { port: first.port }),
    (error) => error instanceof TandemError && error.code === "not-configured" && /in use/.test(error.message),
  );
});

test("with a certificate it opens beyond loopback, and speaks TLS alone", async () => {
  const pem = (name: string) => readFile(join(import.meta.dirname, "../fixtures/tls", name), "utf8");
  const cert = await pem("certificate.pem");
  await using door = await startDoor({}, { host: "0.0.0.0", tls: { cert, key: await pem("key.pem") } });
  assert.match(door.url, /^https:/);
  const agent = new Agent({ connect: { ca: cert } });
  const answer = await request(`https://127.0.0.1:${door.port}/v1/models`, { dispatcher: agent, headers: BEARER });
  assert.equal(answer.statusCode, 200);
  await answer.body.dump();
  await agent.close();
  await assert.rejects(fetch(`http://127.0.0.1:${door.port}/health`));
});

const pairs: readonly { name: string; certificate: string; key: string }[] = [
  { name: "no certificate", certificate: "junk", key: "key.pem" },
  { name: "no key", certificate: "certificate.pem", key: "junk" },
  { name: "the two files the other way round", certificate: "key.pem", key: "certificate.pem" },
];
for (const { name, certificate, key } of pairs)
  test(`TLS with ${name} is refused with a next step`, async () => {
    const pem = (file: string) =>
      file === "junk" ? "junk" : readFile(join(import.meta.dirname, "../fixtures/tls", file), "utf8");
    const opened = startDoor({}, { tls: { cert: await pem(certificate), key: await pem(key) } });
    await assert.rejects(
      opened,
      (error) => error instanceof TandemError && error.code === "bad-input" && /PEM/.test(error.nextStep),
    );
  });
