import assert from "node:assert/strict";
import { test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import type { GenerateRequest, Piece } from "../../server/ports.ts";
import type { RunEvent } from "../../server/protocol/run.ts";
import { type CarriedPiece, type CarryInput, carry } from "../../server/tasks/carried.ts";
import { createFailover } from "../../server/tasks/failover.ts";
import { randomFrom } from "../core/govern/randomTrace.ts";
import { broke, type Mortal, type MortalPool, mortalPool, stuck } from "./mortal.ts";

const TEXT = "function add(a, b) {\n  // Größen, 数, 🙂\n  return a + b;\n}\n\nexport const two = add(1, 1);\n";
const never = new AbortController().signal;
const ASK: GenerateRequest = {
  ...{ prompt: { kind: "text", text: "write" }, maxTokens: 1_000, temperature: 0, topP: 1 },
  ...{ repeatPenalty: 1, seed: 1, stop: [], shape: null },
};
const SHAPE = { name: "any", gbnf: "root ::= .*", jsonSchema: {} };

interface Told {
  readonly pieces: CarriedPiece[];
  readonly events: RunEvent[];
  /** What a client would show: all text, as of the last time it began anew. */
  readonly text: string;
}

async function told(
  { member }: MortalPool,
  more: Partial<CarryInput & { request: Partial<GenerateRequest>; pinned: string; signal: AbortSignal }> = {},
): Promise<Told> {
  const events: RunEvent[] = [];
  const clock = more.clock ?? { nowMs: () => 0 };
  const need = { use: "write", pinned: more.pinned ?? null, isRelayOnly: false } as const;
  const shared = { scheduler: member, need, cloud: null, work: "answers" } as const;
  const failover = createFailover({ ...shared, emit: (it) => events.push(it) });
  const { lease } = await failover.begin("a", more.signal ?? never);
  using carried = carry({ lease, failover, clock, deadlineMs: null, confined: "fails", ...more });
  const pieces: CarriedPiece[] = [];
  let text = "";
  for await (const piece of carried.generate({ ...ASK, ...more.request }, more.signal ?? never)) {
    pieces.push(piece);
    if (piece.kind === "text") text += piece.text;
    if (piece.kind === "over") text = "";
    if (piece.kind === "seam") assert.equal(piece.seam.atCharacters, text.length);
  }
  return { pieces, events, text };
}

const lives = (id: string, more: Partial<Mortal> = {}): Mortal => ({ id, dies: () => null, ...more });
const diesAfter = (id: string, after: number, more: Partial<Mortal> = {}): Mortal => ({
  ...{ id, dies: () => ({ after, error: stuck() }) },
  ...more,
});
const doneOf = ({ pieces }: Told) => pieces.filter((it): it is Extract<Piece, { kind: "done" }> => it.kind === "done");
const seamsOf = ({ pieces }: Told) => pieces.flatMap((it) => (it.kind === "seam" ? [it.seam] : []));

test("any cut, any pieces, any number of deaths: the text is what nobody interrupted would have written", async () => {
  const random = randomFrom(42);
  const cut = (text: string): readonly string[] => {
    const pieces: string[] = [];
    for (let at = 0; at < text.length; ) {
      const length = 1 + Math.floor(random() * 9);
      pieces.push(text.slice(at, at + length));
      at += length;
    }
    return pieces;
  };
  for (let round = 0; round < 150; round++) {
    const deaths = Math.floor(random() * 4);
    const dying = ["a", "b", "c"]
      .slice(0, deaths)
      .map((id) => diesAfter(id, Math.floor(random() * 60), { pieces: cut }));
    const rest = ["a", "b", "c", "d"].slice(deaths).map((id) => lives(id, { pieces: cut }));
    await using pool = mortalPool(TEXT, [...dying, ...rest]);
    const answer = await told(pool);
    assert.equal(answer.text, TEXT);
    assert.equal(doneOf(answer).length, 1);
    const written = answer.pieces.filter((it) => it.kind === "text").length;
    assert.equal(doneOf(answer)[0]?.completionTokens, written);
  }
});

test("every single point at which it can break", async () => {
  for (let after = 0; after <= TEXT.length; after++) {
    await using pool = mortalPool(TEXT, [diesAfter("a", after, { pieces: (it) => [...it] }), lives("b")]);
    const answer = await told(pool);
    assert.equal(answer.text, TEXT);
    assert.equal(seamsOf(answer).length, after === 0 ? 0 : 1);
  }
});

test("who takes over before any text is told in a notice, and in the middle by a seam", async () => {
  await using early = mortalPool(TEXT, [diesAfter("a", 0), lives("b")]);
  const first = await told(early);
  assert.deepEqual(seamsOf(first), []);
  assert.ok(
    first.events.some((it) => it.kind === "notice" && /^a on cpu failed .*; b on cpu answers instead/.test(it.message)),
  );
  assert.equal(early.asked[1]?.request.continues, undefined);
  await using late = mortalPool(TEXT, [diesAfter("a", 20), lives("b")]);
  const second = await told(late);
  assert.deepEqual(
    seamsOf(second).map(({ from, to }) => [from, to]),
    [["a on cpu", "b on cpu"]],
  );
  assert.match(seamsOf(second)[0]?.why ?? "", /no token in 60 s; another engine/);
  assert.ok(!second.events.some((it) => it.kind === "notice"));
  const { continues } = late.asked[1]?.request ?? {};
  assert.ok(continues && TEXT.startsWith(continues) && continues.length >= 20);
});

test("counts are of the answer: its prompt once, its text once, though the second engine read both", async () => {
  await using pool = mortalPool(TEXT, [diesAfter("a", 20), lives("b")]);
  await using whole = mortalPool(TEXT, [lives("a")]);
  const [carried] = doneOf(await told(pool));
  const [alone] = doneOf(await told(whole));
  assert.deepEqual([carried?.promptTokens, carried?.completionTokens], [alone?.promptTokens, alone?.completionTokens]);
});

test("the limit on tokens holds over all engines together", async () => {
  await using pool = mortalPool(TEXT, [diesAfter("a", 20), diesAfter("b", 10), lives("c")]);
  const answer = await told(pool, { request: { maxTokens: 9 } });
  assert.equal(answer.pieces.filter((it) => it.kind === "text").length, 9);
  assert.deepEqual([doneOf(answer)[0]?.finish, doneOf(answer)[0]?.completionTokens], ["length", 9]);
});

test("an answer that has all its tokens is over, though its engine died before it could say so", async () => {
  await using pool = mortalPool(TEXT, [diesAfter("a", 1_000), lives("b")]);
  const answer = await told(pool, { request: { maxTokens: 5 } });
  assert.equal(doneOf(answer)[0]?.finish, "length");
  assert.deepEqual(
    pool.asked.map((it) => it.id),
    ["a"],
  );
});

test("what a grammar confines begins anew where that is wanted, and fails where it is not", async () => {
  const mortals = [diesAfter("a", 20), lives("b")];
  await using again = mortalPool(TEXT, mortals);
  const answer = await told(again, { request: { shape: SHAPE }, confined: "starts over" });
  assert.equal(answer.text, TEXT);
  assert.equal(answer.pieces.filter((it) => it.kind === "over").length, 1);
  assert.equal(again.asked[1]?.request.continues, undefined);
  await using failing = mortalPool(TEXT, mortals);
  await assert.rejects(told(failing, { request: { shape: SHAPE } }), /no token/);
  assert.deepEqual(
    failing.asked.map((it) => it.id),
    ["a"],
  );
});

test("all dead: the error is the first one's, and names all that was tried and what was not", async () => {
  await using pool = mortalPool(TEXT, [
    { id: "a", dies: () => ({ after: 20, error: broke() }) },
    diesAfter("b", 3),
    lives("c", { cannotLoad: new TandemError("no-memory", "it does not fit", "Take a smaller one") }),
    lives("v", { roles: ["embed"] }),
  ]);
  const error = await told(pool).then(
    () => assert.fail("it was answered"),
    (it: unknown) => it,
  );
  assert.ok(error instanceof TandemError);
  assert.equal(error.code, "provider");
  assert.match(
    error.message,
    /^the process was killed; then .*b: no token in 60 s; .*v was not asked: it writes no text$/,
  );
  assert.match(error.message, /c: .*it does not fit/);
  assert.deepEqual(error.details?.tried, [
    { engine: "a", code: "provider" },
    { engine: "a", code: "provider" },
    { engine: "b", code: "timeout" },
    { engine: "c", code: "no-memory" },
  ]);
});

const hopeless = [
  { name: "a request that is at fault itself", error: new TandemError("bad-request", "no", "no") },
  {
    name: "a refusal of what it is asked to write",
    error: new TandemError("provider", "HTTP 400: refused", "no", { details: { status: 400 } }),
  },
  { name: "a bug", error: new RangeError("index") },
];

for (const { name, error } of hopeless)
  test(`nobody else is asked after ${name}`, async () => {
    await using pool = mortalPool(TEXT, [{ id: "a", dies: () => ({ after: 20, error }) }, lives("b")]);
    await assert.rejects(told(pool), error);
    assert.deepEqual(
      pool.asked.map((it) => it.id),
      ["a"],
    );
  });

test("nor after a cancel, nor once the time is over", async () => {
  const cancel = new AbortController();
  const dies = () => {
    cancel.abort();
    return { after: 0 };
  };
  await using pool = mortalPool(TEXT, [{ id: "a", dies }, lives("b")]);
  await assert.rejects(told(pool, { signal: cancel.signal }));
  await using late = mortalPool(TEXT, [diesAfter("a", 20), lives("b")]);
  await assert.rejects(told(late, { clock: { nowMs: () => 2_000 }, deadlineMs: 1_500 }), /no token/);
  assert.deepEqual(
    [...pool.asked, ...late.asked].map((it) => it.id),
    ["a", "a"],
  );
});

test("engines hear until when somebody waits", async () => {
  await using pool = mortalPool(TEXT, [diesAfter("a", 20), lives("b")]);
  await told(pool, { deadlineMs: 99_000 });
  assert.deepEqual(
    pool.asked.map((it) => it.request.deadlineMs),
    [99_000, 99_000],
  );
});

test("one that is named is answered by the same model elsewhere and by no other", async () => {
  const same = { model: { id: "coder", label: "coder" } };
  await using twins = mortalPool(TEXT, [diesAfter("a", 20, same), lives("b"), lives("c", same)]);
  assert.equal((await told(twins, { pinned: "coder" })).text, TEXT);
  assert.deepEqual(
    twins.asked.map((it) => it.id),
    ["a", "c"],
  );
  await using alone = mortalPool(TEXT, [diesAfter("a", 20, same), lives("b")]);
  await assert.rejects(told(alone, { pinned: "coder" }), /no token/);
  assert.deepEqual(
    alone.asked.map((it) => it.id),
    ["a"],
  );
});

test("the only engine there is goes on itself, where it broke in the middle", async () => {
  let times = 0;
  await using pool = mortalPool(TEXT, [
    { id: "a", dies: () => (++times === 1 ? { after: 20, error: broke() } : null) },
  ]);
  const answer = await told(pool);
  assert.equal(answer.text, TEXT);
  assert.deepEqual(
    seamsOf(answer).map((it) => [it.from, it.to]),
    [["a on cpu", "a on cpu"]],
  );
});

test("turns are given back: nothing is held when it is over, however it ends", async () => {
  for (const mortals of [[diesAfter("a", 20), lives("b")], [diesAfter("a", 20), diesAfter("b", 5)], [lives("a")]]) {
    await using pool = mortalPool(TEXT, mortals);
    await told(pool).catch(() => undefined);
    assert.deepEqual(
      pool.member.status().map((it) => [it.active, it.queued]),
      mortals.map(() => [0, 0]),
    );
  }
});
