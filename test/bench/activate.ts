// Run on a Node of its own by start.ts: loads the extension's bundle as the editor does, activates it, and prints both times.
import { createRequire, registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";

const Extension = z.object({ activate: z.function({ input: [z.unknown()], output: z.unknown() }) });
const Arguments = z.tuple([z.string()]);

const [bundle] = Arguments.parse(process.argv.slice(2));
const vscode = pathToFileURL(join(import.meta.dirname, "vscode.cjs")).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "vscode" ? { url: vscode, format: "commonjs", shortCircuit: true } : next(specifier, context),
});
const require = createRequire(import.meta.url);
require("vscode"); // the editor has it already
const context = { subscriptions: [], extensionUri: {}, secrets: {} };

const startedMs = performance.now();
const loaded: unknown = require(bundle);
const requiredMs = performance.now();
const { activate } = Extension.parse(loaded);
const activatingMs = performance.now();
await activate(context);
const activatedMs = performance.now();
process.stdout.write(JSON.stringify({ require: requiredMs - startedMs, activate: activatedMs - activatingMs }));
