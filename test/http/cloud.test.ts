import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { impatient, startDying } from "../server/dyingServers.ts";
import { KEY, startDoor } from "./door.ts";

const SECRET = 'password = "tr0ub4dor"';

const cases: { name: string; model?: string; content: string; when?: "first" | "fallback"; isCloud: boolean }[] = [
  { name: "an answer from the cloud", content: "What is a monad?", when: "first", isCloud: true },
  { name: "one that names its model", model: "large", content: "What is a monad?", isCloud: true },
  { name: "an answer from here", content: "What is a monad?", isCloud: false },
  { name: "one with a secret", content: SECRET, when: "first", isCloud: false },
];
for (const it of cases)
  for (const stream of [false, true])
    test(`${it.name}, ${stream ? "streamed" : "whole"}: ${it.isCloud ? "the header names the host" : "no mark"}`, async () => {
      await using cloud = await startFakeLlama({ models: ["large"], reply: () => "A burrito." });
      await using here = await startFakeLlama({ models: ["small"], reply: () => "A burrito." });
      await using door = await startDoor({
        draft: { endpoint: here.url },
        cloud: { endpoint: cloud.url, model: "large", tiers: ["simple", "moderate"], when: it.when ?? "fallback" },
      });
      const client = new OpenAI({ baseURL: `${door.url}/v1`, apiKey: KEY, maxRetries: 0 });
      const messages = [{ role: "user" as const, content: it.content }];
      const body = { model: it.model ?? "auto", messages };
      const { data, response } = await client.chat.completions.create({ ...body, stream }).withResponse();
      if (stream) for await (const _ of data as AsyncIterable<unknown>);
      assert.equal(response.headers.get("x-tandem-cloud"), it.isCloud ? new URL(cloud.url).host : null);
      assert.deepEqual([here.requests.length, cloud.requests.length], it.isCloud ? [0, 1] : [1, 0]);
    });

test("a stream that goes on in the cloud says so in the first chunk from there, when its headers are long out", async () => {
  const text = "A monad is a monoid in the category of endofunctors.";
  const fault = (nth: number) => ({ kind: "disconnect", after: nth === 0 ? 3 : 0 }) as const;
  await using here = await startDying({ text, models: ["small"], fault });
  await using cloud = await startDying({ text, models: ["large"] });
  const provider = { endpoint: cloud.url, model: "large", tiers: ["simple" as const, "moderate" as const] };
  const settings = { draft: { endpoint: here.url }, cloud: provider };
  await using door = await startDoor(settings, { world: { openEngine: impatient } });
  const client = new OpenAI({ baseURL: `${door.url}/v1`, apiKey: KEY, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "What is a monad?" }];
  const chunks = await Array.fromAsync(await client.chat.completions.create({ model: "auto", messages, stream: true }));
  assert.equal(chunks.map((it) => it.choices[0]?.delta.content ?? "").join(""), text);
  const [seam] = chunks.flatMap((it) => Object(it).tandem?.seam ?? []).toReversed();
  assert.ok(seam.to.includes(new URL(cloud.url).host), JSON.stringify(seam));
  assert.equal(seam.isCloud, true);
});

test("a request that names the cloud's model and holds a secret is refused in words, without it", async () => {
  await using cloud = await startFakeLlama({ models: ["large"], reply: () => "no" });
  await using door = await startDoor({
    cloud: { endpoint: cloud.url, model: "large", tiers: ["simple", "moderate", "complex"] },
  });
  const answer = await fetch(`${door.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "large", messages: [{ role: "user", content: SECRET }] }),
  });
  const said = await answer.text();
  assert.equal(answer.status, 503);
  assert.match(
    said,
    /large is in the cloud, and this request stays on this machine: it looks like it holds a password/,
  );
  assert.ok(!said.includes("tr0ub4dor"));
  assert.equal(cloud.requests.length, 0);
  assert.ok(!door.lines.join("\n").includes("tr0ub4dor"), "nor does the log hold it");
});
