import assert from "node:assert/strict";
import * as vscode from "vscode";
import { createGate } from "../../fakes/openaiScript.ts";
import {
  closeEverything,
  DOCSTRING,
  DOCUMENTED,
  diffTab,
  openSource,
  proposal,
  SOURCE,
  told,
  until,
  useModel,
} from "./desk.ts";

/** From a command to a changed file, and every way in which the file is to stay as it is. */
export function editing(): void {
  describe("editing", () => {
    afterEach(closeEverything);

    it("shows a docstring as a diff, and accepts it as one undo step", async () => {
      await using _model = await useModel(() => DOCSTRING);
      const { document } = await openSource("accepted.ts", SOURCE);
      await vscode.commands.executeCommand("tandem.docstring");
      assert.match(await proposal(), DOCUMENTED);
      assert.equal(document.getText(), SOURCE, "nothing is written before it is accepted");
      await vscode.commands.executeCommand("tandem.acceptEdit");
      assert.match(document.getText(), DOCUMENTED);
      assert.equal(diffTab(), undefined);
      assert.equal(document.isDirty, true, "saving is the user's");
      await vscode.window.showTextDocument(document);
      await vscode.commands.executeCommand("undo");
      assert.equal(document.getText(), SOURCE);
      await vscode.commands.executeCommand("redo");
      assert.match(document.getText(), DOCUMENTED);
    });

    it("writes nothing when the proposal is rejected or closed", async () => {
      await using _model = await useModel(() => DOCSTRING);
      for (const end of ["tandem.rejectEdit", "workbench.action.closeActiveEditor"]) {
        const { document } = await openSource("rejected.ts", SOURCE);
        await vscode.commands.executeCommand("tandem.docstring");
        await proposal();
        await vscode.commands.executeCommand(end);
        await until("the diff is gone", vscode.window.tabGroups.onDidChangeTabs, () => diffTab() === undefined);
        await vscode.commands.executeCommand("tandem.acceptEdit");
        assert.equal(document.getText(), SOURCE);
      }
    });

    it("keeps what was typed elsewhere while the proposal was open", async () => {
      await using _model = await useModel(() => DOCSTRING);
      const { document } = await openSource("moved.ts", SOURCE);
      await vscode.commands.executeCommand("tandem.docstring");
      await proposal();
      await insert(document, 0, "// a line of mine\n\n");
      await vscode.commands.executeCommand("tandem.acceptEdit");
      assert.match(document.getText(), /^\/\/ a line of mine\n\n\/\*\*[\s\S]*\*\/\nexport function double/);
    });

    it("refuses when the code itself was changed meanwhile", async () => {
      await using _model = await useModel(
        () => "```typescript\nexport function double(value: number): number {\n  return value + value;\n}\n```",
      );
      const { document } = await openSource("changed.ts", SOURCE);
      await vscode.commands.executeCommand("tandem.fix");
      await proposal();
      const edit = new vscode.WorkspaceEdit();
      edit.replace(document.uri, new vscode.Range(1, 2, 1, 19), "return value * 3;");
      await vscode.workspace.applyEdit(edit);
      const changed = document.getText();
      await vscode.commands.executeCommand("tandem.acceptEdit");
      await told.next(/changed meanwhile.*nothing was written/i);
      assert.equal(document.getText(), changed);
    });

    it("leaves the file alone when it is cancelled, and frees the model at once", async () => {
      const gate = createGate();
      await using model = await useModel(() => ({ text: DOCSTRING, beforePiece: gate.wait }));
      const { document } = await openSource("cancelled.ts", SOURCE);
      const command = vscode.commands.executeCommand("tandem.docstring");
      const request = await model.nextRequest();
      await vscode.commands.executeCommand("tandem.cancel");
      await command;
      await request.clientLeft;
      assert.equal(diffTab(), undefined);
      assert.equal(document.getText(), SOURCE);
    });

    it("says what a failing model answered and what to do", async () => {
      await using _model = await useModel(() => ({
        fault: { kind: "status", status: 500, body: { error: { message: "out of cheese" } } },
      }));
      const { document } = await openSource("failing.ts", SOURCE);
      await vscode.commands.executeCommand("tandem.docstring");
      await told.next(/out of cheese/);
      assert.equal(document.getText(), SOURCE);
    });
  });
}

async function insert(document: vscode.TextDocument, line: number, text: string): Promise<void> {
  const edit = new vscode.WorkspaceEdit();
  edit.insert(document.uri, new vscode.Position(line, 0), text);
  assert.ok(await vscode.workspace.applyEdit(edit));
}
