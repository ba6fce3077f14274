import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../server/protocol/requests.ts";
import type { RunEvent, RunResult } from "../../server/protocol/run.ts";
import type { Settings } from "../../server/protocol/settings.ts";
import { acceptNow } from "../../server/protocol/traffic.ts";
import { createGate, type Gate, type Script } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startOrchestrator, type TestClient } from "./orchestrator.ts";

const TEXT = "export function total(prices: number[]): number {\n  return 0;\n}\n";

function code(mark: string): string {
  const steps = Array.from(
    { length: 24 },
    (_, at) => `  const ${mark}${at} = prices.length + ${at};${at % 6 === 5 ? "\n" : ""}`,
  );
  return `export function total(prices: number[]): number {\n${steps.join("\n")}\n  return ${mark}0;\n}`;
}

const fenced = (text: string) => `\`\`\`ts\n${text}\n\`\`\``;
const flag = (line: number, severity = "error") =>
  `{"ok":false,"line":${line},"severity":"${severity}","why":"a planted fault"}`;
const request = {
  instruction: "implement total",
  document: { uri: "file:///total.ts", languageId: "typescript", text: TEXT },
};

interface Scene {
  /** What the drafter answers to its so-manieth prompt. */
  readonly draft: (prompt: string, nth: number) => string;
  readonly verdict: (prompt: string) => string | Script;
  readonly settings?: Partial<Pick<Settings, "auditSeconds" | "repair">>;
  readonly gate?: Gate;
  readonly ticket?: string;
  readonly onEvent?: (event: RunEvent, client: TestClient) => void;
}

/** Runs one task, and checks that what was shown is what came out. */
async function play({ draft, verdict, settings = {}, gate, ticket, onEvent }: Scene) {
  await using orchestrator = await startOrchestrator();
  let nth = 0;
  const prompts: string[] = [];
  await using drafter = await startFakeLlama({
    reply: ({ prompt }) => {
      prompts.push(prompt);
      const pieces = draft(prompt, ++nth).split(/(?<=\n)/);
      return gate ? { pieces, beforePiece: gate.wait } : { pieces };
    },
  });
  await using auditor = await startFakeLlama({ reply: ({ prompt }) => verdict(prompt) });
  const engines = { draft: { endpoint: drafter.url }, audit: { endpoint: auditor.url } };
  const client = await orchestrator.connect({ ...engines, auditWhen: "always", ...settings });
  const events: RunEvent[] = [];
  const result: RunResult = await client.send(run, ticket ? { ...request, ticket } : request, {
    onEvent: (event) => {
      events.push(event);
      onEvent?.(event, client);
    },
  });
  assert.ok(result.kind === "edit");
  const shown = events.slice(events.findLastIndex((it) => it.kind === "retry") + 1);
  assert.equal(shown.flatMap((it) => (it.kind === "draft" ? [it.text] : [])).join(""), result.draft);
  return { result, events, prompts, asked: auditor.requests.map((it) => it.prompt) };
}

const last = (prompt: string) => prompt.slice(prompt.lastIndexOf("Part "));
const never = () => new Promise<void>(() => undefined);

test("who takes the draft as it is gets it at once, with what was found so far", async () => {
  const answers: boolean[] = [];
  const { result, events } = await play({
    ticket: "mine",
    draft: () => fenced(code("a")),
    verdict: () => ({ text: '{"ok":true}', beforePiece: never }),
    onEvent: (event, client) => {
      if (event.kind !== "drafted") return;
      void client.send(acceptNow, { ticket: "another's" }).then(({ isFound }) => answers.push(isFound));
      void client.send(acceptNow, { ticket: "mine" }).then(({ isFound }) => answers.push(isFound));
    },
  });
  assert.deepEqual(result.audit && { ...result.audit, parts: 0 }, {
    ...{ parts: 0, audited: 0, unclear: 0, finalPass: null, endedBy: "accepted", restarts: 0, repairs: 0 },
  });
  assert.ok(events.some((it) => it.kind === "drafted"));
  assert.deepEqual(answers, [false, true]);
});

test("who takes the draft while it is being written gets all of it", async () => {
  const gate = createGate();
  let isAsked = false;
  const { result } = await play({
    ticket: "early",
    gate,
    draft: () => fenced(code("a")),
    verdict: () => ({ text: '{"ok":true}', beforePiece: never }),
    onEvent: (event, client) => {
      if (event.kind === "ready") gate.open(4);
      if (event.kind !== "draft" || isAsked) return;
      isAsked = true;
      void client.send(acceptNow, { ticket: "early" }).then(() => gate.open());
    },
  });
  assert.equal(result.audit?.endedBy, "accepted");
  assert.equal(result.kind === "edit" && result.draft, code("a"));
});

test("a draft waits for its audit so long as the settings say", async () => {
  const { result } = await play({
    settings: { auditSeconds: 0 },
    draft: () => fenced(code("a")),
    verdict: () => ({ text: '{"ok":true}', beforePiece: never }),
  });
  assert.equal(result.audit?.endedBy, "time");
  assert.match(result.notices.join(), /audit was ended 0 s after the draft was done: 0 of 1 parts/);
});

test("a ticket is good for one run at a time, and for no longer than it takes", async () => {
  await using orchestrator = await startOrchestrator();
  await using both = await startFakeLlama({ slots: 2, reply: () => ({ text: fenced(code("a")), beforePiece: never }) });
  const client = await orchestrator.connect({ draft: { endpoint: both.url } });
  const stop = new AbortController();
  const first = client.send(run, { ...request, ticket: "t" }, { signal: stop.signal });
  await both.nextRequest();
  await assert.rejects(client.send(run, { ...request, ticket: "t" }), /A run has the ticket "t" already/);
  stop.abort();
  await assert.rejects(first);
  assert.deepEqual(await client.send(acceptNow, { ticket: "t" }), { isFound: false });
});

test("a draft that cannot be used is written anew without its audit being waited for", async () => {
  const broken = code("a").replaceAll(";", " = (;");
  const { result, events } = await play({
    draft: (_, nth) => fenced(nth === 1 ? broken : code("b")),
    verdict: (prompt) => (prompt.includes(" = (;") ? { text: "", beforePiece: never } : '{"ok":true}'),
  });
  assert.equal(result.kind === "edit" && result.draft, code("b"));
  assert.equal(events.filter((it) => it.kind === "retry").length, 1);
  assert.equal(result.audit?.finalPass, "ok");
});

/** Lets the first draft through part by part as they are judged, and the next one at once. */
function inParts(gate: Gate) {
  gate.open(10);
  return (event: RunEvent) => {
    if (event.kind === "audited") gate.open(7);
    if (event.kind === "retry") gate.open();
  };
}

test("a draft whose first parts are all wrong is broken off once, and begun anew with what was found", async () => {
  const gate = createGate();
  const { result, events, prompts } = await play({
    gate,
    onEvent: inParts(gate),
    draft: (_, nth) => fenced(code(nth === 1 ? "wrong" : "right")),
    verdict: (prompt) =>
      /wrong\d/.test(last(prompt)) ? flag(Number(/(\d+)\| .*wrong/.exec(last(prompt))?.[1])) : '{"ok":true}',
  });
  assert.equal(result.audit?.restarts, 1);
  assert.equal(result.kind === "edit" && result.draft, code("right"));
  assert.deepEqual(result.findings, []);
  const why = events.flatMap((it) => (it.kind === "retry" ? [it.why] : []));
  assert.equal(why.length, 1);
  assert.match(why[0] ?? "", /the audit found errors early on: line \d+: a planted fault; line \d+: a planted fault$/);
  assert.match(
    prompts[1] ?? "",
    /The last answer could not be used: the audit found errors early on: line \d+: a planted fault/,
  );
});

test("an auditor that finds everything hopeless costs one draft, not all of them", async () => {
  const gate = createGate();
  const { result, prompts } = await play({
    gate,
    onEvent: inParts(gate),
    draft: (_, nth) => fenced(code(`v${nth}_`)),
    verdict: (prompt) => (/You said/.test(prompt.slice(-400)) ? "Because." : flag(2)),
  });
  assert.equal(result.audit?.restarts, 1);
  assert.equal(prompts.length, 2);
  assert.equal(result.kind === "edit" && result.draft, code("v2_"));
});

const REPAIRS = [
  {
    name: "fewer errors: the new draft",
    second: code("good"),
    faults: /bad\d/,
    want: code("good"),
    why: /Written anew after the audit: 1 error before, none now/,
  },
  {
    name: "as many errors: the first one",
    second: code("poor"),
    faults: /(bad|poor)\d/,
    want: code("bad"),
    why: /the first draft is kept: it has no fewer errors/,
  },
  {
    name: "cannot be used: the first one",
    second: "return {{{ total(",
    faults: /bad\d/,
    want: code("bad"),
    why: /the first draft is kept: the new one cannot be used/,
  },
];
for (const { name, second, faults, want, why } of REPAIRS)
  test(`a flagged draft is mended once; ${name} is kept`, async () => {
    const { result, prompts } = await play({
      settings: { repair: "once" },
      draft: (prompt) => fenced(/A reviewer says/.test(prompt) ? second : code("bad")),
      verdict: (prompt) => (faults.test(last(prompt)) ? flag(3) : '{"ok":true}'),
    });
    assert.equal(prompts.length, 2);
    assert.match(prompts[1] ?? "", /A reviewer says of your answer, by its lines:\nline 3: a planted fault/);
    assert.ok(prompts[1]?.includes(code("bad")), "the drafter sees what it wrote");
    assert.equal(result.kind === "edit" && result.draft, want);
    assert.equal(result.audit?.repairs, 1);
    assert.match(result.notices.join("\n"), why);
    assert.equal(result.findings.length, want === second ? 0 : 1);
  });

test("without errors, and where it is not wanted, nothing is mended", async () => {
  for (const [repair, severity] of [
    ["once", "warning"],
    ["never", "error"],
  ] as const) {
    const { result, prompts } = await play({
      settings: { repair },
      draft: () => fenced(code("a")),
      verdict: (prompt) => (/You said/.test(prompt.slice(-400)) ? "Because." : flag(3, severity)),
    });
    assert.equal(prompts.length, 1);
    assert.equal(result.audit?.repairs, 0);
    assert.equal(result.findings[0]?.detail, "Because.");
  }
});
