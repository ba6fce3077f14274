import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createGate } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { ensureChromium } from "../setup/chromium.ts";
import { ensureCodeServer } from "../setup/codeServer.ts";
import { launchBrowser } from "./browser.ts";
import type { Window } from "./page.ts";
import { photographSidebar } from "./sidebarPictures.ts";
import { play, type Stage } from "./stage.ts";
import { photographTraffic } from "./trafficPictures.ts";
import { ensureVsix } from "./vsix.ts";

const THEMES = { dark: "Default Dark Modern", light: "Default Light Modern", contrast: "Default High Contrast" };
const UI_MS = 20_000;
const SOURCE = `/** One line of an invoice. */
export interface Item {
  readonly name: string;
  readonly cents: number;
}

export function total(items: readonly Item[]): number {
  return items.reduce((sum, item) => sum + item.cents, 0);
}
`;
const DOCSTRING = `\`\`\`typescript
/**
 * Adds up an invoice.
 *
 * @param items The lines of the invoice.
 * @returns The sum in cents; 0 for an invoice without lines.
 */
\`\`\``;
const FINDING = '{"ok":false,"line":2,"severity":"warning","why":"Says nothing about negative amounts"}';
const EXPLANATION = `\`total\` adds up the amounts of an invoice.

- It starts from 0 and adds \`item.cents\` for each line (line 8).
- An empty invoice costs **nothing**.

\`\`\`ts
total([{ name: "tea", cents: 250 }]); // 250
\`\`\`
`;

const say = (line: string) => void process.stdout.write(`${line}\n`);

const isWanted = (part: string) => process.argv.length === 2 || process.argv.includes(part);

/** Pictures of what users see, in three themes, to be looked at by people: `npm run screenshots [editor] [sidebar] [traffic]`. */
async function main(signal: AbortSignal): Promise<void> {
  const root = join(import.meta.dirname, "..", "..");
  const folder = join(root, "dist", "screenshots");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const chromium = await ensureChromium(say, signal);
  const codeServer = await ensureCodeServer(say, signal);
  const vsix = await ensureVsix(root, say, signal);
  const browser = await launchBrowser(chromium);
  try {
    const stage = { browser, codeServer, vsix, resultsFolder: join(root, "dist", "test-results") };
    for (const [name, theme] of Object.entries(THEMES)) {
      const prefix = join(folder, name);
      if (isWanted("editor")) await photograph(stage, prefix, theme, signal);
      const shot = (what: string) => say(`${theme}: ${what}`);
      if (isWanted("sidebar")) await photographSidebar(stage, { theme, prefix, shot }, signal);
      if (isWanted("traffic")) await photographTraffic(stage, { theme, prefix, shot }, signal);
    }
  } finally {
    await browser.close();
  }
  say(`see ${folder}`);
}

async function photograph(stage: Stage, prefix: string, theme: string, signal: AbortSignal): Promise<void> {
  const gate = createGate();
  await using model = await startFakeLlama({
    reply: ({ prompt }) => {
      if (prompt.includes("You review code")) return FINDING;
      return { text: prompt.includes("Explain this code") ? EXPLANATION : DOCSTRING, beforePiece: gate.wait };
    },
  });
  const settings = {
    "workbench.colorTheme": theme,
    "tandem.draft.endpoint": model.url,
    "tandem.audit.endpoint": model.url,
    "tandem.auditWhen": "always",
    "tandem.http.enabled": true,
    "tandem.http.port": 0,
  };
  await play(
    stage,
    { name: `screenshots ${theme}`, settings, files: { "invoice.ts": SOURCE }, env: {} },
    async ({ window }) => {
      const shoot = async (what: string) => {
        await window.screenshot(`${prefix}-${what}.png`);
        say(`${theme}: ${what}`);
      };
      await lightBulb(window, shoot);
      await window.command("Tandem: Write Docstring");
      await model.nextRequest();
      gate.open(14);
      await window.page.locator(".notification-toast", { hasText: "drafting" }).waitFor({ timeout: UI_MS });
      await shoot("2-progress");
      gate.open();
      await window.diff(UI_MS);
      await window.statusItem("ready with 1 finding").waitFor({ timeout: UI_MS });
      await shoot("3-diff");
      await window.command("Tandem: Reject Proposal");
      await window.page.locator(".monaco-diff-editor").waitFor({ state: "detached", timeout: UI_MS });
      await window.command("Tandem: Explain");
      await window.webview("costs nothing", UI_MS);
      await shoot("4-answer");
      await window.command("Tandem: Show Menu");
      await window.page.locator(".quick-input-list .monaco-list-row").first().waitFor({ timeout: UI_MS });
      await shoot("5-status-menu");
      await window.press("Escape");
      await window.tooltip("HTTP: http://127.0.0.1", UI_MS);
      await shoot("6-status-tooltip");
    },
    signal,
  );
}

async function lightBulb(window: Window, shoot: (what: string) => Promise<void>): Promise<void> {
  await window.openFile("invoice.ts");
  await window.goTo(7, 18);
  const menu = await window.lightBulb();
  await menu.getByText("Write docstring with Tandem").waitFor({ timeout: UI_MS });
  await shoot("1-lightbulb");
  await window.press("Escape");
}

const stopped = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(name, () => stopped.abort(new Error(`stopped by ${name}`)));
try {
  await main(stopped.signal);
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
}
