import assert from "node:assert/strict";
import * as vscode from "vscode";
import { createGate } from "../../fakes/openaiScript.ts";
import { closeEverything, DOCSTRING, DOCUMENTED, openSource, proposal, SOURCE, told, useModel } from "./desk.ts";
import { orchestrators } from "./starting.ts";

/** The orchestrator is a process, and processes die. */
export function dying(): void {
  describe("an orchestrator that is killed", () => {
    afterEach(closeEverything);

    it("costs the task that ran, says so, and is there again for the next", async () => {
      const gate = createGate();
      let isFirst = true;
      await using model = await useModel(() => {
        const script = isFirst ? { text: DOCSTRING, beforePiece: gate.wait } : DOCSTRING;
        isFirst = false;
        return script;
      });
      const { document } = await openSource("killed.ts", SOURCE);
      const command = vscode.commands.executeCommand("tandem.docstring");
      await model.nextRequest();
      const [pid, ...others] = await orchestrators();
      assert.ok(pid);
      assert.deepEqual(others, [], "one orchestrator per window");
      process.kill(pid, "SIGKILL");
      await told.next(/stopped.*untouched/i);
      await command;
      assert.equal(document.getText(), SOURCE);
      await vscode.window.showTextDocument(document);
      await vscode.commands.executeCommand("tandem.docstring");
      assert.match(await proposal(), DOCUMENTED);
      assert.notDeepEqual(await orchestrators(), [pid]);
    });
  });
}
