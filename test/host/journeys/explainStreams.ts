import assert from "node:assert/strict";
import { createGate } from "../../fakes/openaiScript.ts";
import { startFakeLlama } from "../../fakes/openaiServer.ts";
import type { Journey } from "./journey.ts";

const SOURCE = `${"// a long file\n".repeat(80)}export function double(value: number): number {\n  return value * 2;\n}\n`;
const UI_MS = 20_000;

/** Explain writes into the view beside the code while the model still speaks, and its lines can be clicked. */
export const explainStreams: Journey = {
  title: "Explain streams into the answer view, and a source line in it moves the editor",
  async play(perform, signal) {
    const gate = createGate();
    const pieces = ["This **doubles** the value.", "\n\nThe work is done on line 82.", "\n\nThat is all."];
    await using model = await startFakeLlama({ reply: () => ({ pieces, beforePiece: gate.wait }) });
    const settings = {
      "tandem.draft.endpoint": model.url,
      "tandem.audit.endpoint": model.url,
      "tandem.auditWhen": "never",
    };
    await perform(
      { name: "explain-streams", settings, files: { "numbers.ts": SOURCE }, env: {} },
      async ({ window }) => {
        await window.openFile("numbers.ts");
        await window.goTo(81, 18);
        await window.command("Tandem: Explain");
        const request = await model.nextRequest();
        gate.open(1);
        const answer = await window.webview("This doubles the value.", UI_MS);
        assert.equal(request.state, "open", "the answer is shown while it is written");
        assert.equal(await answer.getByText("That is all.").count(), 0);
        gate.open();
        await window.webview("That is all.", UI_MS);
        await window.goTo(1, 1);
        await answer.getByText("line 82").click();
        // Not the status bar: it shows the line only while the editor has the focus, which a click into the view takes.
        await window.page.locator(".active-line-number", { hasText: /^82$/ }).waitFor({ timeout: UI_MS });
        await window.sees("return value * 2;", UI_MS);
        signal.throwIfAborted();
      },
    );
  },
};
