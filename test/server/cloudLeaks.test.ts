import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { z } from "zod";
import type { ChatParams } from "../../server/protocol/openai.ts";
import { chat, complete, embeddings, generate, run } from "../../server/protocol/requests.ts";
import type { RunParams } from "../../server/protocol/run.ts";
import type { Settings } from "../../server/protocol/settings.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startTap } from "../fakes/tap.ts";
import { failureOf, startOrchestrator, type TestClient } from "./orchestrator.ts";

type Given = z.input<typeof Settings>;

/** Stands in every text: the cloud must not see even the harmless parts of what stays here. */
const MARK = "kanarienvogel";
const CODE = `export function ${MARK}(a: number) {\n  return a + 1;\n}\n`;
const SECRET = `const password = "tr0ub4dor-and-3";\n`;
const ALL: Given["cloud"] = { tiers: ["simple", "moderate", "complex"], when: "first" };

interface Desk {
  readonly client: TestClient;
  readonly folder: string;
  /** What its model is called. */
  readonly model: string;
}

/** A cloud that is asked first wherever it may be, and a model of this machine. Whatever is done, the cloud sees nothing of it. */
function leak(
  name: string,
  settings: (place: { readonly folder: string; readonly tap: string }) => Given,
  act: (desk: Desk) => Promise<void>,
): void {
  test(`the cloud sees nothing: ${name}`, async (ctx: TestContext) => {
    await using orchestrator = await startOrchestrator();
    await using cloud = await startFakeLlama({ models: ["large", "other"], reply: () => "no" });
    await using tap = await startTap(cloud.url);
    await using here = await startFakeLlama({
      contextTokens: 10_000_000,
      reply: () => "```ts\nexport function x() {\n  return 1;\n}\n```",
    });
    const { cloud: own, ...others } = settings({ folder: orchestrator.folder, tap: tap.url });
    const client = await orchestrator.connect({
      draft: { endpoint: here.url },
      cloud: { endpoint: tap.url, model: "large", ...ALL, ...own },
      ...others,
    });
    await act({ client, folder: orchestrator.folder, model: "large" });
    assert.ok(!tap.sent().toLowerCase().includes(MARK), tap.sent());
    assert.ok(!tap.sent().includes("POST"), "not a single request for text");
    ctx.diagnostic(`${tap.sent().length} bytes in all`);
  });
}

const nothing = () => ({});

/** A task on a file of that name. It is done here, or refused: never sent. */
const task =
  (params: Partial<RunParams> & { readonly name?: string; readonly text?: string }) => async (desk: Desk) => {
    const { name = "a.ts", text = CODE, ...rest } = params;
    const path = join(desk.folder, name);
    await mkdir(dirname(path), { recursive: true });
    const document = { uri: pathToFileURL(path).href, languageId: "typescript", version: 1, text };
    const result = await desk.client.send(run, { instruction: `explain ${MARK}`, document, ...rest } as RunParams);
    assert.equal(result.cloud, null);
  };

leak("a secret in the selection", nothing, task({ text: SECRET + CODE, range: lines(0, 1) }));
leak("a secret in the rest of the file", nothing, task({ text: `${CODE}\n${SECRET}`, range: lines(0, 2) }));
leak("a secret in the instruction", nothing, task({ instruction: `explain ${MARK}; the password is: "tr0ub4dor"` }));
leak("a secret in a diagnostic", nothing, task({ diagnostics: [problem("bad token 'password=\"tr0ub4dor\"'")] }));
leak("a secret in the test file", nothing, async (desk) => {
  await writeFile(join(desk.folder, "a.test.ts"), SECRET);
  await task({ action: "test", instruction: `test ${MARK}` })(desk).catch(expectDone);
});
leak("a secret in a test file that is not saved", nothing, async (desk) => {
  const uri = pathToFileURL(join(desk.folder, "a.test.ts")).href;
  const unsaved = [{ uri, languageId: "typescript", version: 1, text: SECRET }];
  await task({ action: "test", instruction: `test ${MARK}`, unsaved })(desk).catch(expectDone);
});
leak(
  "a path that the user keeps here",
  () => ({ cloud: { keepLocal: ["src/private"] } }),
  task({ name: "src/private/a.ts" }),
);
leak(
  "a test file at a path kept here",
  () => ({ cloud: { keepLocal: ["*.test.ts"] } }),
  async (desk) => {
    await task({ action: "test", instruction: `test ${MARK}` })(desk).catch(expectDone);
  },
);
leak("a file that is for secrets", nothing, task({ name: "deploy/prod.env", text: `A=1 # ${MARK}\n` }));
leak("another name for such a file", nothing, async (desk) => {
  await writeFile(join(desk.folder, "server.pem"), "");
  await symlink(join(desk.folder, "server.pem"), join(desk.folder, "harmless.ts"));
  await task({ name: "harmless.ts" })(desk);
});
leak(
  "a folder that leads to one kept here",
  ({ folder }) => ({ cloud: { keepLocal: [join(folder, "real")] } }),
  async (desk) => {
    await mkdir(join(desk.folder, "real"));
    await symlink(join(desk.folder, "real"), join(desk.folder, "linked"));
    await task({ name: "linked/new/a.ts" })(desk);
  },
);
leak("a tier that is not allowed", () => ({ cloud: { tiers: ["complex"] } }), task({}));
leak("a cloud that is allowed nothing", () => ({ cloud: { tiers: [] } }), task({}));
leak(
  "a rule that names its model, and a secret",
  () => ({ rules: [{ pattern: MARK, model: "large" }] }),
  task({ text: SECRET + CODE }),
);
leak(
  "a rule that names its model, and a tier not allowed",
  () => ({
    ...{ rules: [{ pattern: MARK, model: "large" }], cloud: { tiers: ["complex"] } },
  }),
  task({}),
);
leak(
  "nobody here can do it, and there is a secret",
  () => ({ draft: { endpoint: "http://127.0.0.1:9" } }),
  async (desk) => {
    const failure = await failureOf(task({ text: SECRET + CODE })(desk));
    assert.ok(!JSON.stringify(failure).includes("tr0ub4dor"), "and the error does not tell it");
  },
);
leak(
  "a draft's endpoint at the cloud's own host, and a secret",
  ({ tap }) => ({ draft: { endpoint: `${tap}/v1` } }),
  async (desk) => {
    const failure = await failureOf(task({ text: SECRET + CODE })(desk));
    assert.match(failure.message, /^No engine on this machine can do this, and it stays here: it looks like it holds/);
    await failureOf(desk.client.send(generate, { prompt: MARK } as never));
  },
);

const MESSAGES: readonly { name: string; params: Partial<ChatParams> }[] = [
  { name: "a secret in what was said before", params: said([SECRET, "I see.", `${MARK}?`]) },
  { name: "a secret in what a tool was called with", params: { messages: [ask(MARK), called(SECRET)] as never } },
  { name: "a secret in a tool's description", params: { messages: [ask(MARK)], tools: [tool(SECRET)] as never } },
  { name: "a picture", params: { messages: [{ role: "user", content: [text(MARK), picture()] }] as never } },
  { name: "a picture in the text", params: said([`${MARK} data:image/png;base64,AAAA`]) },
  { name: "a file for secrets, by its name", params: said([`${MARK}: \`\`\`ini deploy/.env\nA=1\n\`\`\``]) },
  { name: "a file kept here, by its name", params: said([`# src/private/a.py\n${MARK} = 1`]) },
  { name: "a text too long to look through", params: said([MARK + "x = 1\n".repeat(300_000)]) },
];
for (const it of MESSAGES) {
  const settings = () => ({ cloud: { keepLocal: ["src/private"] } });
  leak(`chat: ${it.name}`, settings, async ({ client }) => {
    const result = await client.send(chat, { model: "auto", ...it.params } as ChatParams);
    assert.equal(result.kind, "whole");
  });
  leak(`chat that names its model: ${it.name}`, settings, async ({ client, model }) => {
    const failure = await failureOf(client.send(chat, { model, ...it.params } as ChatParams));
    assert.equal(failure.code, "disabled");
    assert.match(failure.message, /^large is in the cloud, and this request stays on this machine: /);
    assert.ok(!failure.message.includes("tr0ub4dor"));
  });
}
leak(
  "a chat of a tier not allowed that names its model",
  () => ({ cloud: { tiers: ["complex"] } }),
  async ({ client, model }) => {
    const failure = await failureOf(client.send(chat, { model, ...said([`what is a ${MARK}?`]) } as ChatParams));
    assert.deepEqual([failure.code, failure.isRetryable], ["disabled", false]);
  },
);
leak("another model that its server has", nothing, async ({ client }) => {
  const failure = await failureOf(client.send(chat, { model: "other", ...said([SECRET]) } as ChatParams));
  assert.deepEqual([failure.code, /is in the cloud/.test(failure.message)], ["disabled", true]);
});
leak("text to go on with", nothing, async ({ client }) => {
  await client.send(complete, { model: "auto", prompt: SECRET + MARK } as never);
});
leak("tokens in place of text", nothing, async ({ client }) => {
  await client.send(complete, { model: "auto", prompt: [1, 2, 3] } as never);
});
leak("vectors", nothing, async ({ client, model }) => {
  await failureOf(client.send(embeddings, { model, input: MARK } as never));
});
leak("one call to a model", nothing, async ({ client }) => {
  await client.send(generate, { prompt: MARK } as never);
});

function said(texts: readonly string[]): Partial<ChatParams> {
  return { messages: texts.map((content, at) => ({ role: at % 2 === 0 ? "user" : "assistant", content })) };
}

function ask(content: string) {
  return { role: "user", content } as const;
}

function called(content: string) {
  const call = { id: "1", type: "function", function: { name: "save", arguments: JSON.stringify({ content }) } };
  return { role: "assistant", content: null, tool_calls: [call] };
}

function tool(description: string) {
  return { type: "function", function: { name: "save", description, parameters: { type: "object" } } };
}

function text(value: string) {
  return { type: "text", text: value };
}

function picture() {
  return { type: "image_url", image_url: { url: "https://example.org/a.png" } };
}

function lines(from: number, to: number): RunParams["range"] {
  return { start: { line: from, character: 0 }, end: { line: to, character: 0 } };
}

function problem(message: string): RunParams["diagnostics"][number] {
  const at = { line: 0, character: 0 };
  return { range: { start: at, end: at }, severity: "error", message } as RunParams["diagnostics"][number];
}

/** Whether the draft of a model that always says the same is a good test is beside the point. */
function expectDone(error: unknown): void {
  assert.match(String((error as Error).message), /draft|test|model/i);
}
