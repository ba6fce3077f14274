import assert from "node:assert/strict";
import { test } from "node:test";
import type { z } from "zod";
import type { Decision } from "../../server/protocol/decision.ts";
import type { ChatEvent, ChatParams } from "../../server/protocol/openai.ts";
import { chat, run, status } from "../../server/protocol/requests.ts";
import type { RunEvent, RunParams } from "../../server/protocol/run.ts";
import type { Settings } from "../../server/protocol/settings.ts";
import { type FakeLlama, startFakeLlama } from "../fakes/openaiServer.ts";
import { startOrchestrator, type TestClient } from "./orchestrator.ts";

type Given = z.input<typeof Settings>;

const CODE = "export function add(a: number, b: number): number {\n  return 0;\n}\n";
const FIXED = "```ts\nexport function add(a: number, b: number): number {\n  return a + b;\n}\n```";
const ALL = ["simple", "moderate", "complex"] as const;
const DEAD = "http://127.0.0.1:9";

interface Desk {
  readonly client: TestClient;
  readonly here: FakeLlama;
  readonly cloud: FakeLlama;
  /** As answers are marked. */
  readonly host: string;
}

/** A model of this machine and one in the cloud, which both write what is wanted. */
function withCloud(name: string, settings: (here: string) => Given, act: (desk: Desk) => Promise<void>): void {
  test(name, async () => {
    await using orchestrator = await startOrchestrator();
    await using cloud = await startFakeLlama({ models: ["large"], apiKey: "k", reply: () => FIXED });
    await using here = await startFakeLlama({ models: ["small"], reply: () => FIXED });
    const { cloud: own, ...others } = settings(here.url);
    const client = await orchestrator.connect({
      draft: { endpoint: here.url },
      cloud: { endpoint: cloud.url, model: "large", apiKey: "k", tiers: [...ALL], ...own },
      ...others,
    });
    await act({ client, here, cloud, host: new URL(cloud.url).host });
  });
}

/** Where the draft was written, what its answer is marked with, and what was told on the way. */
async function fix({ client, here, cloud }: Desk, params: Partial<RunParams> = {}) {
  const events: RunEvent[] = [];
  const result = await client.send(
    run,
    {
      action: "fix",
      instruction: "add gives 0",
      document: { uri: "file:///w/a.ts", languageId: "typescript", version: 1, text: CODE },
      ...params,
    } as RunParams,
    { onEvent: (event) => void events.push(event) },
  );
  assert.equal(result.kind, "edit");
  return { mark: result.cloud, notices: result.notices, events, asked: [here.requests.length, cloud.requests.length] };
}

withCloud(
  "first: a task that may go there does, its answer is marked, and each step says so",
  () => ({ cloud: { when: "first" } }),
  async (desk) => {
    const { mark, events, asked } = await fix(desk);
    assert.deepEqual([mark, asked], [desk.host, [0, 1]]);
    assert.deepEqual(
      events.flatMap((it) => (it.kind === "cloud" ? [[it.engine, it.host]] : [])),
      [["cloud", desk.host]],
    );
    const routed = events.find((it) => it.kind === "routed");
    assert.match(routed?.why ?? "", /goes to the cloud first.*it leaves this machine: the cloud is on for \w+ tasks/);
    const { engines } = await desk.client.send(status, {});
    assert.deepEqual(
      engines.map((it) => [it.id, it.isCloud, it.roles]),
      [
        ["both", false, ["draft", "audit", "embed"]],
        ["cloud", true, ["cloud"]],
      ],
    );
  },
);

withCloud(
  "as a fallback: what can be done here is done here, unmarked",
  () => ({}),
  async (desk) => {
    const { mark, asked, events } = await fix(desk);
    assert.deepEqual([mark, asked], [null, [1, 0]]);
    assert.ok(!events.some((it) => it.kind === "cloud"));
  },
);

withCloud(
  "as a fallback: what nobody here can do goes there, marked, and the user hears why",
  () => ({ draft: { endpoint: DEAD } }),
  async (desk) => {
    const { mark, asked, notices } = await fix(desk);
    assert.deepEqual([mark, asked], [desk.host, [0, 1]]);
    assert.match(notices.join("\n"), /127\.0\.0\.1:9/);
  },
);

withCloud(
  "tier by tier: only what is allowed goes",
  () => ({ cloud: { when: "first", tiers: ["complex"] } }),
  async (desk) => {
    assert.deepEqual((await fix(desk)).asked, [1, 0], "a fix is no complex task");
    const { mark, asked } = await fix(desk, { action: "implement", instruction: "implement add" });
    assert.deepEqual([mark, asked[1]], [desk.host, 1]);
  },
);

withCloud(
  "an audit stays here though the draft is from the cloud",
  () => ({ cloud: { when: "first" }, auditWhen: "always" }),
  async (desk) => {
    const { mark } = await fix(desk);
    assert.equal(mark, desk.host);
    assert.equal(desk.cloud.requests.length, 1);
    assert.ok(desk.here.requests.length > 0, "who audits is here");
  },
);

withCloud(
  "a rule may name its model",
  () => ({ rules: [{ pattern: "gives 0", model: "large" }] }),
  async (desk) => assert.equal((await fix(desk)).mark, desk.host),
);

withCloud(
  "the tiers' own providers are servers of the user's: nothing is marked, and each does its own work",
  (here) => ({ cloud: { tiers: [] }, draft: { endpoint: DEAD }, low: { endpoint: here }, high: { endpoint: here } }),
  async (desk) => {
    const { mark, asked } = await fix(desk);
    assert.deepEqual([mark, asked], [null, [1, 0]]);
  },
);

const chats: readonly { name: string; settings: Given; model: string; isCloud: boolean; asked: string }[] = [
  { name: "first", settings: { cloud: { when: "first" } }, model: "auto", isCloud: true, asked: "large" },
  { name: "as a fallback, and not needed", settings: {}, model: "auto", isCloud: false, asked: "small" },
  {
    name: "as a fallback, and needed",
    settings: { draft: { endpoint: DEAD } },
    model: "auto",
    isCloud: true,
    asked: "large",
  },
  { name: "by its model's name", settings: {}, model: "large", isCloud: true, asked: "large" },
];
for (const it of chats)
  withCloud(
    `chat: ${it.name}`,
    () => it.settings,
    async ({ client, host }) => {
      const decisions: Decision[] = [];
      const onEvent = (event: ChatEvent) => void (event.kind === "decision" && decisions.push(event.decision));
      const messages = [{ role: "user" as const, content: "What is a monad?" }];
      const result = await client.send(chat, { model: it.model, messages } as ChatParams, { onEvent });
      assert.equal(result.kind === "whole" && result.body.model, it.asked);
      const last = decisions.at(-1);
      assert.equal(last?.isCloud, it.isCloud);
      if (it.isCloud) assert.equal(last?.address, host);
    },
  );
