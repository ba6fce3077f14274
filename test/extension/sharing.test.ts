import assert from "node:assert/strict";
import { test } from "node:test";
import { count, othersIn } from "../../extension/sharing.ts";
import type { ClientStatus } from "../../server/protocol/status.ts";

const client = (kind: ClientStatus["kind"], isYou = false) => ({ kind, pid: 1, version: "1.0.0", running: 0, isYou });
const you = client("vscode", true);

const cases: { name: string; clients: ClientStatus[]; want: string }[] = [
  { name: "nobody else", clients: [you], want: "" },
  { name: "one window", clients: [you, client("vscode")], want: "1 other window" },
  {
    name: "all kinds, windows first",
    clients: [client("editor"), client("cli"), client("vscode"), you, client("vscode")],
    want: "2 other windows, 1 command line and 1 editor",
  },
  {
    name: "two kinds",
    clients: [you, client("cli"), client("cli"), client("editor")],
    want: "2 command lines and 1 editor",
  },
];

for (const it of cases) test(it.name, () => assert.equal(othersIn(it.clients), it.want));

test("one and many", () => assert.deepEqual([count(1, "request"), count(2, "request")], ["1 request", "2 requests"]));
