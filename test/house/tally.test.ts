import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictOn } from "../tally.ts";

const spec = (counts: string) =>
  `✔ adds (1 ms)\n${counts.split(" ").join("\n").replaceAll("=", " ").replace(/^/gm, "ℹ ")}\n`;

const cases = [
  { name: "Node's summary", exitCode: 0, output: spec("tests=3 pass=3 fail=0 skipped=0"), want: [3, 0] },
  {
    name: "in colours",
    exitCode: 0,
    output: "\u001b[34mℹ pass 2\u001b[39m\n\u001b[34mℹ fail 0\u001b[39m\n",
    want: [2, 0],
  },
  { name: "in TAP", exitCode: 1, output: "# pass 2\r\n# fail 1\r\n", want: [2, 1] },
  {
    name: "tests that were left out have failed",
    exitCode: 0,
    output: spec("pass=3 fail=0 cancelled=1 skipped=2 todo=1"),
    want: [3, 4],
  },
  {
    name: "tests that cannot be on this machine and say so have not",
    exitCode: 0,
    output: `﹣ a (1 ms) # not here: it takes root\n  ﹣ b (1 ms) # not here: it takes Linux\n﹣ c (0 ms) # SKIP\n${spec("pass=3 fail=0 skipped=3")}`,
    want: [3, 1, 2],
  },
  {
    name: "in TAP, the same",
    exitCode: 0,
    output: "ok 1 - a # SKIP not here: it takes root\nok 2 - b # SKIP later\n# pass 2\n# fail 0\n# skipped 2\n",
    want: [2, 1, 1],
  },
  {
    name: "a runner whose every test cannot be here has shown nothing",
    exitCode: 0,
    output: `﹣ a (1 ms) # not here: it takes root\n${spec("pass=0 fail=0 skipped=1")}`,
    want: [0, 1, 1],
  },
  { name: "our own summary", exitCode: 0, output: "  ✔ opens\n4 passed, 0 failed\n", want: [4, 0] },
  {
    name: "a line inside a test's output is no summary",
    exitCode: 1,
    output: "got 4 passed, 0 failed there\n",
    want: [0, 1],
  },
  { name: "nothing ran", exitCode: 0, output: spec("pass=0 fail=0"), want: [0, 1] },
  { name: "no summary at all", exitCode: 0, output: "", want: [0, 1] },
  { name: "a runner that died", exitCode: 1, output: spec("pass=3 fail=0"), want: [3, 1] },
  { name: "a failure is counted once", exitCode: 1, output: spec("pass=3 fail=2"), want: [3, 2] },
];

for (const { name, exitCode, output, want } of cases)
  test(name, () => {
    const { passed, failed, notHere } = verdictOn(exitCode, output);
    const [wantPassed, wantFailed, wantNotHere = 0] = want;
    assert.deepEqual([passed, failed, notHere], [wantPassed, wantFailed, wantNotHere]);
  });
