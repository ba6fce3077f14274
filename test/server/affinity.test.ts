import assert from "node:assert/strict";
import { test } from "node:test";
import { createAffinity } from "../../server/affinity.ts";
import { estimateTokens } from "../../server/core/prompt.ts";
import { bodyTexts, promptTexts } from "../../server/core/promptTexts.ts";
import type { EngineView } from "../../server/core/route.ts";
import type { Decision } from "../../server/protocol/decision.ts";
import type { ChatEvent } from "../../server/protocol/openai.ts";
import { chat, generate } from "../../server/protocol/requests.ts";
import { routable } from "../core/routable.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startOrchestrator } from "./orchestrator.ts";

const A = routable("a", { cache: "e1.0.0" });
const B = routable("b", { cache: "e2.0.0" });
const long = (letter: string, characters = 3_200) => letter.repeat(characters);
const SYSTEM = `system\n${long("s")}`;

interface Case {
  readonly name: string;
  /** Engine, texts, and what it says that it held. */
  readonly reads: readonly (readonly [EngineView, readonly string[], (number | null)?])[];
  readonly asked: readonly string[];
  readonly engines?: readonly EngineView[];
  readonly want: Readonly<Record<string, number>>;
}

const CASES: readonly Case[] = [
  { name: "nobody has read anything", reads: [], asked: [SYSTEM], want: {} },
  { name: "who has read all of it", reads: [[A, [SYSTEM]]], asked: [SYSTEM], want: { a: 1_004 } },
  { name: "who has read the beginning of it", reads: [[A, [SYSTEM]]], asked: [SYSTEM, long("u")], want: { a: 1_004 } },
  {
    name: "a beginning that differs within a text",
    reads: [[A, [SYSTEM]]],
    asked: [`${SYSTEM.slice(0, 2_500)}!`],
    want: { a: 626 },
  },
  { name: "a beginning that differs at once", reads: [[A, [SYSTEM]]], asked: [`!${SYSTEM}`], want: {} },
  {
    name: "the same text cut in two is another prompt",
    reads: [[A, ["ab".repeat(200)]]],
    asked: ["ab".repeat(100), "ab".repeat(100)],
    want: {},
  },
  { name: "a few words are no saving", reads: [[A, ["user\nhello"]]], asked: ["user\nhello"], want: {} },
  {
    name: "both have read it",
    reads: [
      [A, [SYSTEM]],
      [B, [SYSTEM]],
    ],
    asked: [SYSTEM],
    want: { a: 1_004, b: 1_004 },
  },
  {
    name: "one slot holds one prompt: the last",
    reads: [
      [A, [SYSTEM]],
      [A, [long("x")]],
    ],
    asked: [SYSTEM],
    want: {},
  },
  {
    name: "two slots hold two",
    reads: [
      [{ ...A, slots: 2 }, [SYSTEM]],
      [{ ...A, slots: 2 }, [long("x")]],
    ],
    asked: [SYSTEM],
    want: { a: 1_004 },
  },
  {
    name: "a prompt that goes on takes the place of what it began with, and no other's",
    reads: [
      [{ ...A, slots: 2 }, [long("x")]],
      [{ ...A, slots: 2 }, [SYSTEM]],
      [{ ...A, slots: 2 }, [SYSTEM, long("u")]],
    ],
    asked: [long("x")],
    want: { a: 1_002 },
  },
  {
    name: "vLLM holds blocks of many",
    reads: [
      [{ ...A, backend: "vllm" }, [SYSTEM]],
      [{ ...A, backend: "vllm" }, [long("x")]],
    ],
    asked: [SYSTEM],
    want: { a: 1_004 },
  },
  {
    name: "an engine that was loaded anew, or trimmed, holds nothing",
    reads: [[A, [SYSTEM]]],
    asked: [SYSTEM],
    engines: [{ ...A, cache: "e1.1.0" }],
    want: {},
  },
  {
    name: "one that is not loaded neither",
    reads: [[A, [SYSTEM]]],
    asked: [SYSTEM],
    engines: [{ ...A, cache: null }],
    want: {},
  },
  {
    name: "who says that it held nothing of what was expected is believed, of all that it read before",
    reads: [
      [{ ...A, slots: 4 }, [SYSTEM]],
      [{ ...A, slots: 4 }, [long("x")]],
      [{ ...A, slots: 4 }, [SYSTEM], 0],
    ],
    asked: [long("x")],
    want: {},
  },
  {
    name: "and one that says it held what was expected keeps the rest",
    reads: [
      [{ ...A, slots: 4 }, [SYSTEM]],
      [{ ...A, slots: 4 }, [long("x")]],
      [{ ...A, slots: 4 }, [SYSTEM], 1_000],
    ],
    asked: [long("x")],
    want: { a: 1_002 },
  },
];

for (const { name, reads, asked, engines = [A, B], want } of CASES)
  test(name, () => {
    const affinity = createAffinity();
    for (const [engine, texts, cachedTokens = null] of reads) affinity.read(engine, texts, cachedTokens);
    assert.deepEqual(affinity.warm(asked, engines).warmTokens, want);
  });

test("however much is read, no more than the last prompts of the last engines are remembered", () => {
  const affinity = createAffinity();
  const nth = (at: number) => routable("a", { cache: `e${at}.0.0`, backend: "vllm" });
  for (let at = 0; at < 40; at++) affinity.read(nth(at), [SYSTEM], null);
  assert.deepEqual(
    [affinity.warm([SYSTEM], [nth(0)]).warmTokens, affinity.warm([SYSTEM], [nth(39)]).warmTokens],
    [{}, { a: 1_004 }],
  );
  for (let at = 0; at < 40; at++) affinity.read(nth(39), [long(String.fromCharCode(200 + at))], null);
  assert.deepEqual(affinity.warm([SYSTEM], [nth(39)]).warmTokens, {});
  const endless = long("e", 1_000_000);
  affinity.read(nth(39), [endless], null);
  assert.ok(
    (affinity.warm([endless], [nth(39)]).warmTokens.a ?? 0) < 50_000,
    "what comes behind the first blocks is not looked at",
  );
});

test("a prompt is the same one, whichever way it goes to an engine", () => {
  const messages = [
    { role: "developer", content: "Be brief." },
    {
      role: "user",
      content: [
        { type: "text", text: "Is it " },
        { type: "text", text: "true?" },
      ],
    },
    { role: "assistant", content: null },
  ];
  const translated = [
    { role: "system", content: "Be brief." },
    { role: "user", content: "Is it true?" },
    { role: "assistant", content: "" },
  ] as const;
  assert.deepEqual(bodyTexts({ messages }), promptTexts({ kind: "chat", messages: translated }));
  assert.deepEqual(bodyTexts({ prompt: "def f(" }), promptTexts({ kind: "text", text: "def f(" }));
  assert.deepEqual(bodyTexts({ prompt: [1, 2] }), []);
  const picture = (data: string) => ({ role: "user", content: [{ type: "image_url", image_url: { url: data } }] });
  const [one = "", other = ""] = bodyTexts({ messages: [picture(long("A", 1_000_000)), picture(long("A", 999_999))] });
  assert.ok(one.length < 1_000 && one !== other);
});

for (const stream of [false, true])
  test(`a server that says how much it held of a prompt is believed, in ${stream ? "a stream" : "one piece"}`, async () => {
    await using orchestrator = await startOrchestrator();
    const cachedTokens = { forgetful: 0, mindful: 1_000_000 };
    const warmth = async (kind: keyof typeof cachedTokens) => {
      const reply = () => ({ text: "Yes.", cachedTokens: cachedTokens[kind] });
      await using server = await startFakeLlama({ models: [kind], slots: 4, reply });
      const client = await orchestrator.connect({ draft: { endpoint: server.url, model: kind } });
      let warm: number | undefined;
      const onEvent = (it: ChatEvent) => {
        if (it.kind === "decision") warm = it.decision.candidates[0]?.warmTokens;
      };
      const ask = (content: string) =>
        client.send(chat, { model: "auto", messages: [{ role: "user", content }], stream }, { onEvent });
      for (const said of ["a", "b", "a", "b"]) await ask(`What is this? ${long(said, 3_000)}`);
      return warm ?? 0;
    };
    assert.ok((await warmth("mindful")) > 900);
    assert.equal(await warmth("forgetful"), 0);
  });

test("who has read a conversation is known when it goes on, by requests as they are and in an engine's own terms", async () => {
  await using orchestrator = await startOrchestrator();
  await using one = await startFakeLlama({ models: ["left"], reply: () => "Yes." });
  await using other = await startFakeLlama({ models: ["right"], reply: () => "Yes." });
  const client = await orchestrator.connect({
    draft: { endpoint: one.url, model: "left" },
    audit: { endpoint: other.url, model: "right" },
  });
  const warmFor = async (model: string, ...said: string[]) => {
    const decisions: Decision[] = [];
    const messages = said.map((content, at) => ({ role: ["user", "assistant"][at % 2] as "user", content }));
    const onEvent = (it: ChatEvent) => void (it.kind === "decision" && decisions.push(it.decision));
    await client.send(chat, { model, messages }, { onEvent });
    return decisions
      .flatMap((it) => it.candidates)
      .map((it) => [it.model, it.warmTokens ?? 0])
      .toSorted();
  };
  const question = `What is a monad? ${long("m", 3_000)}`;
  await warmFor("right", question);
  const tokens = estimateTokens(question) + 4;
  assert.deepEqual(await warmFor("auto", "What is a functor?"), [
    ["left", 0],
    ["right", 0],
  ]);
  const [[, left] = [], [, right] = []] = await warmFor("auto", question, "A burrito.", "Why?");
  assert.equal(left, 0);
  assert.ok(Math.abs(Number(right) - tokens) < 5, `${right} of ${tokens}`);
  // What `generate` asks goes through the engine itself, and is found again all the same.
  const messages = [{ role: "user" as const, content: `Explain this: ${long("g", 3_000)}` }];
  await client.send(generate, { role: "draft", messages, maxTokens: 16 });
  const [[, drafted] = [], [, audited] = []] = await warmFor("auto", ...messages.map((it) => it.content));
  assert.ok(Number(drafted) > 900 && audited === 0, `${drafted} and ${audited}`);
});
