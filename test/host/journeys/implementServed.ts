import assert from "node:assert/strict";
import { join } from "node:path";
import { wasmPath } from "../../../server/assets.ts";
import { createSyntax } from "../../../server/syntax/treeSitter.ts";
import { startLlamaServer } from "../../setup/llamaServer.ts";
import type { Journey } from "./journey.ts";
import { saved } from "./saved.ts";

const SOURCE = `/** The smaller of two numbers. */
export function min(left: number, right: number): number {
  return left < right ? left : right;
}

/** Whether a text is empty or blank. */
export function isBlank(text: string): boolean {
  return text.trim() === "";
}

/** The larger of two numbers. */
export function max(left: number, right: number): number {
}
`;
const MODEL_MS = 150_000;

/** An endpoint is configured: a real llama-server drafts and audits a function's body. */
export const implementServed: Journey = {
  title: "Implement with a llama-server, accepted and saved",
  async play(perform, signal) {
    await using server = await startLlamaServer(signal);
    const settings = {
      "tandem.draft.endpoint": server.url,
      "tandem.audit.endpoint": server.url,
      "tandem.auditWhen": "always",
    };
    await perform(
      { name: "implement-served", settings, files: { "numbers.ts": SOURCE }, env: {} },
      async ({ window, folder }) => {
        await window.openFile("numbers.ts");
        await window.goTo(12, 18);
        await window.command("Tandem: Implement");
        await window.answer("What should the code do?", "");
        await window.diff(MODEL_MS);
        await window.acceptAndSave();
        const text = await saved(join(folder, "numbers.ts"), (it) => it !== SOURCE, signal);
        const [kept = ""] = SOURCE.split("/** The larger");
        assert.ok(text.startsWith(kept), "what stands before stays");
        assert.match(
          text,
          /export function max\(left: number, right: number\): number \{\n[\s\S]*\breturn\b[\s\S]*\n\}\n$/,
        );
        const { errors } = await createSyntax({ wasmPath }).outline(text, "typescript");
        assert.deepEqual(errors, [], "it parses");
      },
    );
  },
};
