import assert from "node:assert/strict";
import { join } from "node:path";
import { createGate } from "../../fakes/openaiScript.ts";
import { startFakeLlama } from "../../fakes/openaiServer.ts";
import { startServing } from "../../server/served.ts";
import { kill } from "../../setup/processes.ts";
import { extensionHostsIn, orchestratorsIn } from "../members.ts";
import type { Journey } from "./journey.ts";
import { saved } from "./saved.ts";

const SOURCE = "export function double(value: number): number {\n  return value * 2;\n}\n";
const OTHER = "export const other = () => 1;\n";
const DOCSTRING = "```typescript\n/** Twice the value. */\n```";
const UI_MS = 20_000;

/** What happens to one window, or to the orchestrator itself, costs the other window nothing. */
export const twoWindows: Journey = {
  title:
    "Two windows, a command and an OpenAI client, one orchestrator: each is killed, then itself, and the other window's draft comes",
  async play(perform, signal) {
    const gate = createGate();
    await using model = await startFakeLlama({
      reply: ({ prompt }) =>
        prompt.includes("other = () => 1") ? DOCSTRING : { text: DOCSTRING, beforePiece: gate.wait },
    });
    const settings = {
      "tandem.draft.endpoint": model.url,
      "tandem.audit.endpoint": model.url,
      "tandem.auditWhen": "never",
    };
    await perform(
      { name: "two-windows", settings, files: { "numbers.ts": SOURCE, "other.ts": OTHER }, env: {} },
      async ({ window, vscode, folder, anotherWindow }) => {
        const members = () => vscode.processes(signal);
        await window.openFile("numbers.ts");
        const hostsBefore = extensionHostsIn(await members());
        await using neighbour = await anotherWindow();
        await neighbour.openFile("other.ts");
        await neighbour.goTo(1, 15);
        await neighbour.command("Tandem: Write Docstring");
        await model.nextRequest();
        await neighbour.diff(UI_MS);
        await window.goTo(1, 18);
        await window.command("Tandem: Write Docstring");
        const drafting = await model.nextRequest();

        const [pid, ...more] = orchestratorsIn(await members());
        assert.ok(pid);
        assert.deepEqual(more, [], "one orchestrator for both");
        for (const it of [window, neighbour]) await it.tooltip(`process ${pid}, shared with 1 other window`, UI_MS);

        // A command line that opens the HTTP door, and OpenAI's own client at it.
        const served = await startServing({ cwd: folder, env: vscode.instance, endpoint: model.url });
        assert.equal(served.pid, pid, "the command found the windows' orchestrator");
        const messages = [{ role: "user" as const, content: "document other = () => 1" }];
        const chat = await served.openai.chat.completions.create({ model: "auto", messages });
        assert.equal(chat.choices[0]?.message.content, DOCSTRING);
        served.cli.process.kill("SIGKILL");
        await served.cli.ended;
        assert.equal(drafting.state, "open", "the draft goes on");

        const [host, ...others] = extensionHostsIn(await members()).filter((it) => !hostsBefore.includes(it));
        assert.ok(host && others.length === 0, "the neighbour's extension host");
        kill(host);
        await window.tooltip(`process ${pid}, used by this window only`, UI_MS);
        assert.equal(drafting.state, "open", "the draft goes on");
        assert.deepEqual(orchestratorsIn(await members()), [pid]);

        kill(pid);
        await model.nextRequest();
        gate.open();
        await window.diff(UI_MS);
        await window.acceptAndSave();
        const text = await saved(join(folder, "numbers.ts"), (it) => it !== SOURCE, signal);
        assert.match(text, /^\/\*\*[^/]*Twice the value\.[^/]*\*\/\nexport function double/);
        assert.equal(text.match(/Twice the value/g)?.length, 1, "one proposal, not two");
        assert.deepEqual(await vscode.leave(signal), [], "every process leaves with VS Code");
      },
    );
  },
};
