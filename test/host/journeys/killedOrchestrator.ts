import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createGate } from "../../fakes/openaiScript.ts";
import { startFakeLlama } from "../../fakes/openaiServer.ts";
import { kill } from "../../setup/processes.ts";
import { orchestratorsIn } from "../members.ts";
import type { Journey } from "./journey.ts";
import { saved } from "./saved.ts";

const SOURCE = "export function double(value: number): number {\n  return value * 2;\n}\n";
const DOCSTRING = "```typescript\n/** Twice the value. */\n```";
const UI_MS = 20_000;

/** A task that is there whenever the orchestrator dies is not sent without end: the user is told, the file is whole, and it then works. */
export const killedOrchestrator: Journey = {
  title: "The orchestrator is killed twice while it drafts: sent again once, then the message, Run Again, the edit",
  async play(perform, signal) {
    const gate = createGate();
    await using model = await startFakeLlama({ reply: () => ({ text: DOCSTRING, beforePiece: gate.wait }) });
    const settings = {
      "tandem.draft.endpoint": model.url,
      "tandem.audit.endpoint": model.url,
      "tandem.auditWhen": "never",
    };
    await perform(
      { name: "killed-orchestrator", settings, files: { "numbers.ts": SOURCE }, env: {} },
      async ({ window, vscode, folder }) => {
        const orchestrator = async () => {
          const found = orchestratorsIn(await vscode.processes(signal));
          assert.equal(found.length, 1, "one orchestrator");
          return found[0] ?? 0;
        };
        await window.openFile("numbers.ts");
        await window.goTo(1, 18);
        await window.command("Tandem: Write Docstring");
        await model.nextRequest();
        const first = await orchestrator();
        kill(first);
        await model.nextRequest();
        const second = await orchestrator();
        assert.notEqual(second, first);
        kill(second);
        await window.toast(/orchestrator stopped.*second time/, UI_MS);
        assert.equal(await readFile(join(folder, "numbers.ts"), "utf8"), SOURCE);
        gate.open();
        await window.clickToast(/orchestrator stopped/, "Run Again");
        await window.diff(UI_MS);
        await window.acceptAndSave();
        const text = await saved(join(folder, "numbers.ts"), (it) => it !== SOURCE, signal);
        assert.match(text, /^\/\*\*[^/]*Twice the value\.[^/]*\*\/\nexport function double/);
      },
    );
  },
};
