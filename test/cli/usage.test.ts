import assert from "node:assert/strict";
import { test } from "node:test";
import { commands } from "../../server/cli/commands.ts";
import { helpText } from "../../server/cli/help.ts";
import { readOptions } from "../../server/cli/options.ts";
import { textPrinter } from "../../server/cli/textPrinter.ts";
import { checkUsage } from "../../server/cli/usage.ts";

const wrong: readonly { args: string[]; says: RegExp; next: RegExp }[] = [
  { args: ["run", "--port", "4", "fix half"], says: /--port is nothing that "run" knows/, next: /tandem help run/ },
  { args: ["status", "--apply", "--now"], says: /--apply and --now are/, next: /tandem help status/ },
  { args: ["generate", "--range", "1-2", "hello"], says: /--range is/, next: /tandem help generate/ },
  { args: ["stop", "now"], says: /"stop" takes no "now"/, next: /tandem help stop/ },
  { args: ["serve", "here", "please"], says: /"serve" takes no "here please"/, next: /tandem help serve/ },
];

for (const { args, says, next } of wrong)
  test(`refused before anything starts: ${args.join(" ")}`, () => {
    assert.throws(() => check(args), { code: "bad-input", message: says, nextStep: next });
  });

const right: readonly string[][] = [
  ["run", "--file", "half.ts", "--apply", "fix", "half"],
  ["generate", "--temperature", "0", "--max-tokens", "9", "say", "hello"],
  ["serve", "--port", "0", "--endpoint", "http://127.0.0.1:8080"],
  ["models", "pull", "a-model"],
  ["key", "rotate"],
  ["stop", "--now", "--json"],
  ["status", "--json", "--verbose"],
];

for (const args of right) test(`allowed: ${args.join(" ")}`, () => check(args));

// `demo` is what `npm start` runs, and no command for users.
for (const name of [...commands.keys()].filter((it) => it !== "demo"))
  test(`help ${name}: its own lines, and only those`, () => {
    const text = helpText(name);
    assert.match(text, new RegExp(`^ {2}tandem ${name}\\b`));
    assert.ok(text.split("\n").every((it) => !it.startsWith("  tandem ") || it.startsWith(`  tandem ${name}`)));
    assert.match(text, /`tandem help`/);
  });

test("help fits a terminal of 100 columns, as a whole and where nothing has such a name", () => {
  for (const line of helpText().split("\n")) assert.ok(line.length <= 100, line);
  assert.equal(helpText("fly"), helpText());
});

for (const words of [["pull"], ["pull", "a", "b"]])
  test(`models ${words.join(" ")}: refused, as pull takes one model`, () => {
    const printer = textPrinter(process.stderr);
    const asked = () => commands.get("models")?.({ words, values: {}, printer, out: process.stdout });
    assert.throws(asked, { code: "bad-input", message: /pull` takes one model/ });
  });

function check(args: readonly string[]): void {
  const { values, positionals } = readOptions(args);
  checkUsage(positionals[0] ?? "", positionals.slice(1), values);
}
