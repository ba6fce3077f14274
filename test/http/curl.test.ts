import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { createGate } from "../fakes/openaiScript.ts";
import { type FakeLlama, startFakeLlama } from "../fakes/openaiServer.ts";
import { KEY, startDoor, type TestDoor } from "./door.ts";

const run = promisify(execFile);

let fake: FakeLlama;
let door: TestDoor;
const gate = createGate();
before(async () => {
  gate.open();
  fake = await startFakeLlama({ reply: () => ({ pieces: ["Good ", "day ", "für ", "alle"], beforePiece: gate.wait }) });
  door = await startDoor({ draft: { endpoint: fake.url } });
});
after(async () => {
  await door[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

/** What Windows, macOS and Linux all have; without it this test says so rather than pass. */
async function curl(path: string, ...more: readonly string[]): Promise<string> {
  const given = ["--silent", "--show-error", "--no-buffer", "--max-time", "20", ...more, `${door.url}${path}`];
  try {
    return (await run("curl", given)).stdout;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      throw new Error("curl is needed for this test: install it", { cause: error });
    throw error;
  }
}

const AUTH = ["--header", `Authorization: Bearer ${KEY}`];
const JSON_TYPE = ["--header", "Content-Type: application/json"];
const asking = (body: object) => [...AUTH, ...JSON_TYPE, "--data", JSON.stringify(body)];
const HELLO = { model: "auto", messages: [{ role: "user", content: "hello" }] };

test("the list of models without a key, with the right one, but not with a wrong one: clients try theirs there", async () => {
  assert.match(await curl("/v1/models"), /"fake-coder"/);
  assert.match(await curl("/v1/models", ...AUTH), /"fake-coder"/);
  assert.match(await curl("/v1/models", "--header", "Authorization: Bearer wrong"), /"invalid_api_key"/);
});

test("a chat", async () => {
  const answer = JSON.parse(await curl("/v1/chat/completions", ...asking(HELLO)));
  assert.equal(answer.choices[0].message.content, "Good day für alle");
});

test("a chat as it is written", async () => {
  const answer = await curl("/v1/chat/completions", "--include", ...asking({ ...HELLO, stream: true }));
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(answer, /content-type: text\/event-stream/);
  assert.match(answer, /x-tandem-model: fake-coder\r\n/);
  assert.ok(answer.endsWith("data: [DONE]\n\n"));
  const texts = [...answer.matchAll(/^data: (\{.*\})$/gm)].map(
    ([, json = ""]) => JSON.parse(json).choices[0]?.delta?.content ?? "",
  );
  assert.equal(texts.join(""), "Good day für alle");
});

test("a large request, of which curl first asks whether it may send it", async () => {
  const content = "a ".repeat(20_000);
  const body = { ...HELLO, messages: [{ role: "user", content }] };
  const answer = await curl(
    "/v1/chat/completions",
    ...[...AUTH, ...JSON_TYPE, "--header", "Expect: 100-continue", "--data", JSON.stringify(body)],
  );
  // More than this model's context, which it says itself.
  assert.equal(JSON.parse(answer).error.code, "context_length_exceeded");
});

test("the bare call, whole and as a stream", async () => {
  const ask = { prompt: "Hello", max_new_tokens: 16 };
  const whole = JSON.parse(await curl("/generate", ...asking(ask)));
  assert.equal(whole.generated_text, "Good day für alle");
  const streamed = await curl("/generate_stream", ...asking(ask));
  assert.match(streamed, /^data: /);
});

test("health without a key", async () => {
  assert.deepEqual(JSON.parse(await curl("/health")), { status: "healthy", version: "0.0.0-test" });
});
