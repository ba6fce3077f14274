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
  useModel,
} from "./desk.ts";
import { orchestrators } from "./starting.ts";

/** The orchestrator is a process, and processes die. */
export function dying(): void {
  describe("an orchestrator that is killed", () => {
    afterEach(closeEverything);

    it("costs the task that ran nothing: the next one gets it, and nobody is troubled", async () => {
      const gate = createGate();
      await using model = await useModel(() => ({ text: DOCSTRING, beforePiece: gate.wait }));
      const { document } = await openSource("resent.ts", SOURCE);
      const command = vscode.commands.executeCommand("tandem.docstring");
      await model.nextRequest();
      const pid = await killIt();
      await model.nextRequest();
      gate.open();
      await command;
      assert.match(await proposal(), DOCUMENTED);
      assert.equal(document.getText(), SOURCE);
      assert.notDeepEqual(await orchestrators(), [pid]);
      assert.deepEqual(told.messages, []);
    });

    it("twice under the same task costs the task, says so, and is there again for the next", async () => {
      const gate = createGate();
      let isHeld = true;
      await using model = await useModel(() => (isHeld ? { text: DOCSTRING, beforePiece: gate.wait } : DOCSTRING));
      const { document } = await openSource("killed.ts", SOURCE);
      const command = vscode.commands.executeCommand("tandem.docstring");
      for (const _ of ["first", "second"]) {
        await model.nextRequest();
        await killIt();
      }
      await told.next(/stopped.*second time.*untouched/i);
      await command;
      assert.equal(document.getText(), SOURCE);
      isHeld = false;
      await vscode.window.showTextDocument(document);
      await vscode.commands.executeCommand("tandem.docstring");
      assert.match(await proposal(), DOCUMENTED);
    });

    it("does not keep a task from being cancelled", async () => {
      const gate = createGate();
      await using model = await useModel(() => ({ text: DOCSTRING, beforePiece: gate.wait }));
      const { document } = await openSource("given-up.ts", SOURCE);
      const command = vscode.commands.executeCommand("tandem.docstring");
      await model.nextRequest();
      await killIt();
      await vscode.commands.executeCommand("tandem.cancel");
      await command;
      assert.equal(diffTab(), undefined);
      assert.equal(document.getText(), SOURCE);
      assert.deepEqual(told.messages, []);
    });
  });

  describe("an orchestrator that is restarted", () => {
    afterEach(closeEverything);

    it("is another process, and what ran is sent to it", async () => {
      const gate = createGate();
      await using model = await useModel(() => ({ text: DOCSTRING, beforePiece: gate.wait }));
      await openSource("restarted.ts", SOURCE);
      const command = vscode.commands.executeCommand("tandem.docstring");
      await model.nextRequest();
      const before = await orchestrators();
      await vscode.commands.executeCommand("tandem.restart");
      await model.nextRequest();
      assert.notDeepEqual(await orchestrators(), before);
      gate.open();
      await command;
      assert.match(await proposal(), DOCUMENTED);
      assert.deepEqual(told.messages, []);
    });

    it("is ended when it hangs", async function () {
      this.timeout(40_000);
      const gate = createGate();
      await using model = await useModel(() => ({ text: DOCSTRING, beforePiece: gate.wait }));
      await openSource("hanging.ts", SOURCE);
      const command = vscode.commands.executeCommand("tandem.docstring");
      await model.nextRequest();
      const [pid] = await orchestrators();
      assert.ok(pid);
      process.kill(pid, "SIGSTOP");
      await vscode.commands.executeCommand("tandem.restart");
      await model.nextRequest();
      assert.ok(!(await orchestrators()).includes(pid));
      gate.open();
      await command;
      assert.match(await proposal(), DOCUMENTED);
    });
  });
}

async function killIt(): Promise<number> {
  const [pid, ...others] = await orchestrators();
  assert.ok(pid);
  assert.deepEqual(others, [], "one orchestrator");
  process.kill(pid, "SIGKILL");
  return pid;
}
