import assert from "node:assert/strict";
import * as vscode from "vscode";
import { closeEverything, until } from "./desk.ts";

/** What the machine is found to be, as a document. */
export function checking(): void {
  describe("checking the machine", () => {
    afterEach(closeEverything);

    it("shows what was found as Markdown that nobody can edit, again and again in the same document", async () => {
      await vscode.commands.executeCommand("tandem.checkMachine");
      await until("the report opens", vscode.window.tabGroups.onDidChangeTabs, () => reportTabs().length === 1);
      await vscode.commands.executeCommand("tandem.checkMachine");
      assert.equal(reportTabs().length, 1);
      const uri = vscode.Uri.from({ scheme: "tandem-machine", path: "/This Machine.md" });
      const text = (await vscode.workspace.openTextDocument(uri)).getText();
      assert.match(text, /^# This machine\n\nTandem \d/);
      assert.match(text, /^## Problems$/m);
      assert.match(text, /^## Class\n\n- (CPU|LOW|CONSUMER|PROSUMER|DATACENTER|MULTI)\S*: /m);
    });
  });
}

function reportTabs(): vscode.Tab[] {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  return tabs.filter((it) => it.label.includes("This Machine"));
}
