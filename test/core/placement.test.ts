import assert from "node:assert/strict";
import { test } from "node:test";
import { type CardSeen, judgePlacement, type PlacementQuestion } from "../../server/core/placement.ts";
import type { Placement } from "../../server/ports.ts";

const GIB = 1024 ** 3;
const ours = { pid: 4_242, name: "/x/llama-server", bytes: 5 * GIB };
const theirs = { pid: 77, name: "/usr/bin/python3", bytes: 2 * GIB };

function card(uuid: string, usedGib: number | null, processes: CardSeen["processes"] = null): CardSeen {
  const usedBytes = usedGib === null ? null : usedGib * GIB;
  return { uuid, name: `Card ${uuid}`, totalBytes: 24 * GIB, usedBytes, processes };
}

const empty = [card("A", 1, []), card("B", 1, [])];
const quiet = [card("A", 1), card("B", 1)];

const cases: readonly {
  name: string;
  question?: Partial<PlacementQuestion>;
  before?: readonly CardSeen[];
  after: readonly CardSeen[];
  want: Placement["verdict"];
  why: RegExp;
}[] = [
  {
    name: "the driver lists it on its card alone",
    after: [card("A", 6, [theirs, ours]), card("B", 1, [theirs])],
    want: "verified",
    why: /process 4242 with 5\.0 GiB on Card A \(A\) and on no other card/,
  },
  {
    name: "the driver lists a worker of it",
    question: { pids: [1, 4_242] },
    after: [card("A", 6, [ours]), card("B", 1, [])],
    want: "verified",
    why: /process 4242/,
  },
  {
    name: "the driver lists it, and hides how much it holds",
    after: [card("A", 6, [{ ...ours, bytes: null }]), card("B", 1, [])],
    want: "verified",
    why: /memory on Card A/,
  },
  {
    name: "the driver lists it on another card",
    after: [card("A", 1, []), card("B", 6, [ours])],
    want: "refuted",
    why: /5\.0 GiB on Card B \(B\), but it was given Card A \(A\)/,
  },
  {
    name: "on its card, and on another besides",
    after: [card("A", 6, [ours]), card("B", 2, [{ ...ours, bytes: GIB }])],
    want: "refuted",
    why: /1\.0 GiB on Card B/,
  },
  {
    name: "on one of its two cards so far",
    question: {
      cards: [
        { uuid: "A", needBytes: 5 * GIB },
        { uuid: "B", needBytes: 5 * GIB },
      ],
    },
    after: [card("A", 6, [ours]), card("B", 1, [])],
    want: "unverifiable",
    why: /not yet on Card B/,
  },
  {
    name: "the list is whole and has it nowhere",
    after: [card("A", 9, [theirs]), card("B", 1, [])],
    want: "refuted",
    why: /lists the processes on Card A \(A\), and it is not among them/,
  },
  {
    name: "another program's memory hides that it is not there, where lists cannot be believed",
    question: { isListed: false },
    before: [card("A", 9, [theirs]), card("B", 1, [])],
    after: [card("A", 9, [theirs]), card("B", 1, [])],
    want: "unverifiable",
    why: /changed by 0\.0 GiB while it loaded/,
  },
  {
    name: "its card is emptier than it is large",
    question: { isListed: false },
    before: quiet,
    after: quiet,
    want: "refuted",
    why: /takes 5\.0 GiB, but no more than 1\.0 GiB are used on Card A \(A\) in all/,
  },
  {
    name: "in a container numbers differ: the memory of its card rose, and no other's",
    question: { isListed: false },
    before: [card("A", 1, [theirs]), card("B", 1, [])],
    after: [card("A", 6, [theirs, { ...ours, pid: 900_001 }]), card("B", 1, [])],
    want: "verified",
    why: /rose on Card A \(A\) by 5\.0 GiB and on no other card/,
  },
  {
    name: "the driver hides processes: the same",
    before: quiet,
    after: [card("A", 5, null), card("B", 1, null)],
    want: "verified",
    why: /does not list its process/,
  },
  {
    name: "two cards, each by its share",
    question: {
      cards: [
        { uuid: "A", needBytes: 5 * GIB },
        { uuid: "B", needBytes: 2 * GIB },
      ],
    },
    before: quiet,
    after: [card("A", 6), card("B", 3)],
    want: "verified",
    why: /Card A \(A\) by 5\.0 GiB and Card B \(B\) by 2\.0 GiB/,
  },
  {
    name: "both cards rose: another engine loaded at the same time",
    before: quiet,
    after: [card("A", 6), card("B", 6)],
    want: "unverifiable",
    why: /but on Card B \(B\) too/,
  },
  {
    name: "something else was unloaded meanwhile: the sum says nothing",
    before: [card("A", 8), card("B", 1)],
    after: [card("A", 8), card("B", 1)],
    want: "unverifiable",
    why: /changed by 0\.0 GiB/,
  },
  {
    name: "nobody knows what it takes",
    question: { cards: [{ uuid: "A", needBytes: null }], said: "it says that it uses CUDA0 (X)" },
    before: quiet,
    after: [card("A", 6), card("B", 1)],
    want: "unverifiable",
    why: /what it takes is not known; it says that it uses CUDA0/,
  },
  {
    name: "a card that nothing reads",
    before: [],
    after: [],
    want: "unverifiable",
    why: /tells neither its process nor how full A is/,
  },
  {
    name: "a card that does not tell how full it is",
    before: [card("A", null), card("B", 1)],
    after: [card("A", null), card("B", 1)],
    want: "unverifiable",
    why: /tells neither/,
  },
  {
    name: "larger than its card: what is not on it is in the driver's overflow",
    question: { cards: [{ uuid: "A", needBytes: 40 * GIB }], isListed: false },
    before: quiet,
    after: [card("A", 18), card("B", 1)],
    want: "unverifiable",
    why: /changed by 17\.0 GiB/,
  },
  {
    name: "so small that a driver's own context is as large",
    question: { cards: [{ uuid: "A", needBytes: 1_000 }], isListed: false },
    before: quiet,
    after: quiet,
    want: "unverifiable",
    why: /not known/,
  },
];
for (const it of cases)
  test(`placement: ${it.name}`, () => {
    const basic = { cards: [{ uuid: "A", needBytes: 5 * GIB }], pids: [4_242], isListed: true, said: null };
    const { verdict, why } = judgePlacement({ ...basic, ...it.question }, it.before ?? empty, it.after);
    assert.match(why, it.why);
    assert.equal(verdict, it.want, why);
  });
