import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { wasmPath } from "../../../server/assets.ts";
import { createSyntax } from "../../../server/syntax/treeSitter.ts";
import type { Journey } from "./journey.ts";
import { saved } from "./saved.ts";

const SOURCE = `/** Adds two numbers. */
export function add(left: number, right: number): number {
  return left + right;
}

export function largest(values: number[]): number {
  return Math.max(...values);
}
`;
/** The model loads and writes on a processor that tests may have to share. */
const MODEL_MS = 150_000;

/** Nothing is configured: the embedded engine writes a doc comment that ends up in the file. */
export const documentEmbedded: Journey = {
  title: "Docstring with the embedded engine, accepted and saved; nothing is left behind",
  play: (perform, signal) =>
    perform(
      // Where the hub can be reached it is not to be: the test is about the model that is there.
      {
        name: "docstring-embedded",
        settings: {},
        files: { "numbers.ts": SOURCE },
        env: { HF_ENDPOINT: "http://127.0.0.1:9" },
      },
      async ({ window, vscode, folder }) => {
        await window.openFile("numbers.ts");
        await window.goTo(6, 18);
        await window.command("Tandem: Write Docstring");
        await window.diff(MODEL_MS);
        assert.equal(await readFile(join(folder, "numbers.ts"), "utf8"), SOURCE);
        await window.acceptAndSave();
        const text = await saved(join(folder, "numbers.ts"), (it) => it !== SOURCE, signal);
        assert.match(text, /\n\/\*\*[^/]*\w{3,}[^/]*\*\/\nexport function largest/, "a doc comment above the function");
        assert.equal(
          text.replace(/\n\/\*\*(?:(?!\*\/)[\s\S])*\*\/\nexport function largest/, "\nexport function largest"),
          SOURCE,
          "and nothing else",
        );
        const { errors } = await createSyntax({ wasmPath }).outline(text, "typescript");
        assert.deepEqual(errors, [], "it parses");
        assert.deepEqual(await vscode.leave(signal), [], "every process leaves with VS Code");
      },
    ),
};
