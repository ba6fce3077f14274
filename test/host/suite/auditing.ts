import assert from "node:assert/strict";
import * as vscode from "vscode";
import { createGate } from "../../fakes/openaiScript.ts";
import { startFakeLlama } from "../../fakes/openaiServer.ts";
import { closeEverything, DOCSTRING, DOCUMENTED, openSource, progressed, proposal, SOURCE, setting } from "./desk.ts";

/** What a user sees of an audit while it goes on. */
export function auditing(): void {
  describe("auditing", () => {
    afterEach(async () => {
      await setting("auditWhen", undefined);
      await closeEverything();
    });

    it("shows a draft at once when the user does not want to wait for its audit", async () => {
      const silent = createGate();
      await using drafter = await startFakeLlama({ reply: () => DOCSTRING });
      await using auditor = await startFakeLlama({ reply: () => ({ text: '{"ok":true}', beforePiece: silent.wait }) });
      await setting("draft.endpoint", drafter.url);
      await setting("audit.endpoint", auditor.url);
      await setting("auditWhen", "always");
      const { document } = await openSource("waiting.ts", SOURCE);
      const command = vscode.commands.executeCommand("tandem.docstring");
      await progressed.next(/use it now/);
      assert.equal(document.getText(), SOURCE);
      await vscode.commands.executeCommand("tandem.acceptNow");
      await command;
      assert.match(await proposal(), DOCUMENTED);
      await vscode.commands.executeCommand("tandem.acceptEdit");
      assert.match(document.getText(), DOCUMENTED);
    });
  });
}
