import assert from "node:assert/strict";
import * as vscode from "vscode";
import { closeEverything, openSource, SOURCE, until, useModel } from "./desk.ts";

/** Answers in words, beside the editor. */
export function answering(): void {
  describe("answering", () => {
    afterEach(closeEverything);

    it("opens the answer view for Explain, and leaves the focus and the file alone", async () => {
      await using model = await useModel(() => "It doubles the value on line 2.");
      const { document } = await openSource("explained.ts", SOURCE);
      const command = vscode.commands.executeCommand("tandem.explain");
      await until("the answer view opens", vscode.window.tabGroups.onDidChangeTabs, () => answerTab() !== undefined);
      await command;
      assert.equal(model.requests.length, 1);
      assert.match(model.requests[0]?.prompt ?? "", /return value \* 2;/);
      assert.equal(vscode.window.activeTextEditor?.document, document);
      assert.equal(document.getText(), SOURCE);
    });
  });
}

function answerTab(): vscode.Tab | undefined {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  return tabs.find(
    (tab) => tab.input instanceof vscode.TabInputWebview && tab.input.viewType.includes("tandem.answer"),
  );
}
