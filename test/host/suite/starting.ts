import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import * as vscode from "vscode";
import { commandIds, settingKeys } from "../../../extension/ids.ts";
import { processes } from "../../setup/processes.ts";
import { orchestratorsIn } from "../members.ts";
import { closeEverything, openSource, SOURCE } from "./desk.ts";

/** Before the first command: what is there, and what is not yet. */
export function starting(): void {
  describe("starting", () => {
    after(closeEverything);

    it("waits for a file it can work on", async () => {
      const extension = vscode.extensions.getExtension("tandem-editor.tandem");
      assert.ok(extension, "not installed");
      assert.equal(extension.isActive, false);
      await openSource("first.ts", SOURCE);
      // Activation has no event; looking again is all there is.
      while (!extension.isActive) await delay(20);
    });

    it("starts no process before the first command", async () => {
      assert.deepEqual(await orchestrators(), []);
    });

    it("registers every command", async () => {
      const registered = await vscode.commands.getCommands(true);
      assert.deepEqual(
        commandIds.filter((id) => !registered.includes(id)),
        [],
      );
    });

    it("declares every setting with a default", () => {
      const configuration = vscode.workspace.getConfiguration();
      assert.deepEqual(
        settingKeys.filter((key) => configuration.inspect(key)?.defaultValue === undefined),
        [],
      );
    });

    it("offers its actions on a declaration, and no rewrite elsewhere", async () => {
      const { document } = await openSource("bulb.ts", `// nothing here\n${SOURCE}`);
      const titles = async (line: number) => {
        const found = await vscode.commands.executeCommand<vscode.CodeAction[]>(
          "vscode.executeCodeActionProvider",
          document.uri,
          new vscode.Range(line, 0, line, 0),
        );
        return found.map((it) => it.title).filter((it) => it.includes("Tandem"));
      };
      assert.deepEqual(await titles(1), [
        "Write docstring with Tandem",
        "Refactor with Tandem…",
        "Implement with Tandem…",
        "Write tests with Tandem",
      ]);
      assert.deepEqual(await titles(0), []);
    });
  });
}

/** The orchestrators of this VS Code: those that run from where the extension is installed. */
export async function orchestrators(): Promise<number[]> {
  const folder = vscode.extensions.getExtension("tandem-editor.tandem")?.extensionPath;
  assert.ok(folder, "not installed");
  const all = await processes(AbortSignal.timeout(5_000));
  return orchestratorsIn(all.filter((it) => it.command.includes(folder)));
}
