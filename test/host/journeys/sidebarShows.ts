import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Locator, Page } from "playwright-core";
import { catalogue } from "../../../server/models/catalogue.ts";
import { startFakeLlama } from "../../fakes/openaiServer.ts";
import { card, type FakeSmi, fakeSmi, installSmi } from "../../gpu/smi.ts";
import { kill, stillRunning } from "../../setup/processes.ts";
import { orchestratorsIn } from "../members.ts";
import type { Window } from "../page.ts";
import { clickActivity, sidebarIn } from "../sidebarFrame.ts";
import type { Journey } from "./journey.ts";

const SOURCE = "export function double(value: number): number {\n  return value * 2;\n}\n";
const GAME = "GPU-00000000-1111-2222-3333-444444444444, 4242, 3072, /usr/games/minetest";
const UI_MS = 20_000;
/** The model loads on a processor that tests may have to share. */
const LOAD_MS = 60_000;
const POLL_MS = 100;

/** Two GPUs by a scripted driver, and the real orchestrator with a real small model on the processor. */
export const sidebarShows: Journey = {
  title:
    "The sidebar starts nothing by itself, shows two GPUs, loads, pins and unloads a model, and tells of a decision",
  async play(perform, signal) {
    await using model = await startFakeLlama({ reply: () => "It doubles the value." });
    using smi = fakeSmi({ cards: [card(0), card(1, { "temperature.gpu": "48" })], processes: [GAME] });
    await using tools = await folderWith(smi);
    const settings = {
      "tandem.draft.endpoint": model.url,
      "tandem.audit.model": catalogue.find((it) => it.isTrial)?.id,
      "tandem.audit.device": "cpu",
      "tandem.auditWhen": "never",
    };
    // Otherwise VS Code takes PATH from a login shell.
    const env = { VSCODE_CLI: "1", PATH: `${tools.folder}${delimiter}${process.env.PATH}` };
    await perform({ name: "sidebar", settings, files: { "numbers.ts": SOURCE }, env }, async ({ window, vscode }) => {
      const { page } = window;
      const body = sidebarIn(page);
      await clickActivity(page, "Tandem");
      await body.getByText("Nothing runs yet").waitFor({ timeout: UI_MS });
      assert.deepEqual(orchestratorsIn(await vscode.processes(signal)), [], "looking starts nothing");
      assert.deepEqual(smi.starts(), [], "nor reads anything");

      await body.getByRole("button", { name: "Start" }).click();
      const first = body.getByRole("region", { name: "GPU RTX 3090 #0" });
      const second = body.getByRole("region", { name: "GPU RTX 3090 #1" });
      await first.getByText("5.0 GB of 24 GB").waitFor({ timeout: UI_MS });
      await first.getByText("minetest", { exact: true }).waitFor({ timeout: UI_MS });
      await first.getByText("live", { exact: true }).waitFor();
      await second.getByText("48 °C").waitFor();
      await second.locator("canvas").waitFor();

      await loadPinUnload(body);
      await decide(window, body);

      // What has the focus keeps it, whatever changes around it.
      await body.getByRole("button", { name: /^Load TinyLlama/ }).focus();
      await become(smi, { cards: [card(0, { "temperature.gpu": "84" }), card(1)], processes: [] });
      await first.locator("dd", { hasText: "84 °C" }).waitFor({ timeout: UI_MS });
      await first.getByText("hot", { exact: true }).waitFor();
      await body.locator("vscode-button:focus", { hasText: "Load" }).waitFor();
      await become(smi, {
        failure: { text: "Failed to initialize NVML: Driver/library version mismatch\n", code: 18 },
      });
      await first.getByText("not read", { exact: true }).waitFor({ timeout: UI_MS });
      assert.deepEqual(
        window.console.filter((it) => /Content Security Policy/i.test(it) && /sidebar|inline/i.test(it)),
        [],
      );

      // Another view takes its place, and then it comes back with all it knew.
      await clickActivity(page, "Explorer");
      await page.locator("iframe.webview.ready[src*='purpose=webviewView']").waitFor({ state: "detached" });
      await clickActivity(page, "Tandem");
      await reopened(page, "GPU RTX 3090 #0", signal);
      assert.deepEqual(await vscode.leave(signal), [], "every process leaves with VS Code");
    });
  },
};

/** A page made anew has a frame of its own, whichever that is. */
async function reopened(page: Page, region: string, signal: AbortSignal): Promise<void> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(UI_MS)]);
  for (;;) {
    for (const frame of page.frames()) {
      const found = frame.getByRole("region", { name: region }).getByText("not read", { exact: true });
      // A frame may go while it is looked at.
      if ((await found.count().catch(() => 0)) > 0) return;
    }
    await delay(POLL_MS, undefined, { signal: until });
  }
}

/** All of it by the keyboard: who cannot use a mouse does it so. */
async function loadPinUnload(body: Locator): Promise<void> {
  const load = body.getByRole("button", { name: /^Load TinyLlama/ });
  await load.focus();
  await load.press("Enter");
  await body.getByRole("button", { name: /^Unload TinyLlama/ }).waitFor({ timeout: LOAD_MS });
  const processor = body.getByRole("region", { name: "Processor" });
  await processor.locator(".name", { hasText: "TinyLlama" }).waitFor({ timeout: UI_MS });
  await body.getByRole("button", { name: /^Pin TinyLlama/ }).press(" ");
  await body.getByText("pinned", { exact: true }).waitFor({ timeout: UI_MS });
  await body.getByRole("button", { name: /^Unpin TinyLlama/ }).press("Enter");
  await body.getByText("pinned", { exact: true }).waitFor({ state: "detached", timeout: UI_MS });
  await body.getByRole("button", { name: /^Unload TinyLlama/ }).press("Enter");
  await body.getByText("not loaded").waitFor({ timeout: UI_MS });
}

/** What a command decided stands there by itself, and opens in full. */
async function decide(window: Window, body: Locator) {
  await window.openFile("numbers.ts");
  await window.goTo(1, 18);
  await window.command("Tandem: Explain");
  const decision = body.getByRole("button", { name: /explain/ });
  await decision.getByText(/\d (ms|s)$/).waitFor({ timeout: UI_MS });
  await decision.click();
  await window.page.locator(".tab", { hasText: /Decision/ }).waitFor({ timeout: UI_MS });
}

/** The tool goes by another script from its next start on, which comes by itself when it ends. */
async function become(smi: FakeSmi, script: Parameters<FakeSmi["become"]>[0]): Promise<void> {
  const running = await stillRunning(smi.starts().map((it) => it.pid));
  smi.become(script);
  for (const pid of running) kill(pid);
}

async function folderWith(smi: FakeSmi): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-tools-"));
  installSmi(smi, folder);
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
