import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, watch } from "node:fs";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { unixOnly } from "../setup/only.ts";
import { type Clone, makeClone, NODE } from "./clone.ts";

const INSTALL = ["npm ci", "build", "cli demo"];

interface Row {
  readonly name: string;
  /** What npm does, call by call; the last goes on for ever. */
  readonly plan?: string;
  /** Before the first start. */
  readonly given?: (clone: Clone) => Promise<void>;
  /** Between a first start and the one that is looked at. */
  readonly change?: (clone: Clone) => Promise<void>;
  readonly env?: Record<string, string>;
  readonly job?: string;
  readonly code?: number;
  readonly happened: readonly string[];
  readonly says?: RegExp;
}

const rows: readonly Row[] = [
  { name: "a bare clone is installed, built and started", happened: INSTALL, says: /Installing packages \(about/ },
  { name: "npm test runs the tests", job: "test", happened: ["npm ci", "build", "tests"] },
  { name: "nothing is done twice", change: async () => {}, happened: [...INSTALL, "cli demo"] },
  {
    name: "a changed source is built again, and nothing installed",
    change: (clone) => clone.write("server/new.ts", "export {};"),
    happened: [...INSTALL, "build", "cli demo"],
  },
  {
    name: "a changed lock is installed again",
    change: (clone) => clone.write("package-lock.json", '{ "changed": true }'),
    happened: [...INSTALL, ...INSTALL],
  },
  {
    name: "packages that npm brought by itself, perhaps others, are installed",
    given: (clone) => clone.write(NODE, "not a program"),
    happened: INSTALL,
  },
  { name: "a network that fails once is tried again", plan: "network ok", happened: ["npm ci", ...INSTALL] },
  {
    name: "a network that is down is said",
    plan: "network",
    code: 1,
    happened: ["npm ci", "npm ci"],
    says: /ECONNRESET[\s\S]*registry can be reached/,
  },
  {
    name: "another failure is not tried again, and npm's words are shown",
    plan: "broken",
    code: 1,
    happened: ["npm ci"],
    says: /EUSAGE: the lock does not match/,
  },
  {
    name: "install scripts that are turned off are said",
    plan: "scriptless",
    code: 1,
    happened: ["npm ci"],
    says: /ignore-scripts must say false/,
  },
  {
    name: "after a failed install the next run installs",
    plan: "broken ok",
    change: async () => {},
    happened: ["npm ci", ...INSTALL],
  },
  {
    name: "a lock of a process that has gone is no lock",
    given: (clone) => clone.write(".tandem-setup", "4194303"),
    happened: INSTALL,
  },
  {
    name: "the program's exit code is ours",
    env: { STAND_IN_EXIT: "3" },
    code: 3,
    happened: [...INSTALL.slice(0, 2), "cli demo"],
  },
  { name: "an unknown job is refused", job: "stop", code: 1, happened: [], says: /usage: node setup\.mjs start\|test/ },
];

afterEach(() => {
  for (const name of ["STAND_IN_EXIT", "STAND_IN_STAYS"]) delete process.env[name];
});

for (const row of rows)
  test(row.name, async () => {
    await using clone = await makeClone(row.plan ?? "ok");
    if (row.env) Object.assign(process.env, row.env);
    await row.given?.(clone);
    if (row.change) {
      await clone.start(row.job ?? "start").ended;
      await row.change(clone);
    }
    const { code, output } = await clone.start(row.job ?? "start").ended;
    assert.equal(code, row.code ?? 0, output);
    assert.deepEqual(await clone.happened(), row.happened, output);
    if (row.says) assert.match(output, row.says);
  });

test("a signal reaches the program, and its end is waited for", { skip: unixOnly }, async () => {
  await using clone = await makeClone("ok");
  process.env.STAND_IN_STAYS = "yes";
  const run = clone.start("start");
  await run.printed("staying");
  run.child.kill("SIGTERM");
  const { code } = await run.ended;
  assert.equal(code, 7);
  assert.deepEqual((await clone.happened()).slice(-1), ["cli left"]);
});

test("an install that is interrupted leaves no child and counts for nothing", { skip: unixOnly }, async () => {
  await using clone = await makeClone("hang ok");
  const isHanging = hanging(clone.folder);
  const run = clone.start("start");
  await isHanging;
  run.child.kill("SIGTERM");
  const { code, output } = await run.ended;
  assert.equal(code, 143, output);
  assert.match(output, /the next run installs the packages again/);
  assert.equal((await clone.start("start").ended).code, 0);
  assert.deepEqual(await clone.happened(), ["npm ci", ...INSTALL]);
});

test("two set-ups at once install once", async () => {
  await using clone = await makeClone("ok");
  const codes = await Promise.all([clone.start("start").ended, clone.start("start").ended]);
  assert.deepEqual(
    codes.map((it) => it.code),
    [0, 0],
  );
  assert.deepEqual(
    (await clone.happened()).filter((it) => it === "npm ci"),
    ["npm ci"],
  );
});

async function hanging(folder: string): Promise<void> {
  const watcher = watch(folder);
  while (!existsSync(join(folder, "hanging"))) await once(watcher, "change");
  watcher.close();
}
