import type { Browser, FrameLocator, Locator, Page } from "playwright-core";

const ACTION_TIMEOUT_MS = 15_000;
const START_TIMEOUT_MS = 60_000;
const INPUT_TIMEOUT_MS = 5_000;
const INPUT_ATTEMPTS = 4;
const CONSOLE_LIMIT = 500;

/** A VS Code window as a user works it: what can be typed, clicked and read. Each verb waits for what it announces. */
export interface Window extends AsyncDisposable {
  /** For what has no verb yet. */
  readonly page: Page;
  readonly console: readonly string[];
  /** Addresses outside this machine that were asked for; all were refused. */
  readonly refused: readonly string[];
  openFile(name: string): Promise<void>;
  /** One-based. */
  goTo(line: number, column: number): Promise<void>;
  /** Runs a command by its title in the palette. */
  command(title: string): Promise<void>;
  /** Answers a question VS Code asks in its input box. */
  answer(question: string, text: string): Promise<void>;
  /** Presses keys such as "ControlOrMeta+S". */
  press(keys: string): Promise<void>;
  /** Waits for a notification that holds the text and answers with its message. */
  toast(text: string | RegExp, timeoutMs: number): Promise<string>;
  /** Clicks a button of a notification that holds the text. */
  clickToast(text: string | RegExp, button: string): Promise<void>;
  /** Opens the light bulb's menu at the cursor. */
  lightBulb(): Promise<Locator>;
  /** Waits until an editor shows a line with the text; lines out of view do not count, and blanks are all alike. */
  sees(text: string | RegExp, timeoutMs: number): Promise<void>;
  /** Waits until a proposal is shown as a diff. */
  diff(timeoutMs: number): Promise<void>;
  /** Accepts the proposal, and saves the file that is then in front. */
  acceptAndSave(): Promise<void>;
  /** The body of the webview that shows the text, once it does. */
  webview(text: string | RegExp, timeoutMs: number): Promise<Locator>;
  statusItem(text: string | RegExp): Locator;
  /** Points at Tandem's status bar item, and waits until it says the text; blanks are all alike. */
  tooltip(text: string, timeoutMs: number): Promise<void>;
  screenshot(path: string): Promise<void>;
}

const TOOLTIP_MS = 2_500;
/** From everything in the window that has a tooltip. */
const FAR_AWAY = { x: 640, y: 500 };

/** Pairs VS Code reads from its own address, such as where to find tests. */
export type Payload = readonly (readonly [string, string])[];

/** Opens a folder in a window of its own: nothing is remembered from another. */
export async function openWindow(
  browser: Browser,
  origin: string,
  folder: string,
  payload: Payload = [],
): Promise<Window> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const refused: string[] = [];
  await context.route(
    (url) => url.hostname !== "127.0.0.1",
    (route) => {
      refused.push(route.request().url());
      return route.abort();
    },
  );
  const page = await context.newPage();
  page.setDefaultTimeout(ACTION_TIMEOUT_MS);
  const lines: string[] = [];
  page.on("console", (message) => keep(lines, `${message.type()} ${message.text()}`));
  page.on("pageerror", (error) => keep(lines, `page error ${error.message}`));
  try {
    const query = new URLSearchParams({ folder, payload: JSON.stringify(payload) });
    await page.goto(`${origin}/?${query}`, { waitUntil: "domcontentloaded" });
    await page.locator(".monaco-workbench .part.statusbar").waitFor({ timeout: START_TIMEOUT_MS });
  } catch (error) {
    await context.close();
    throw error;
  }
  return {
    page,
    console: lines,
    refused,
    ...editing(page),
    ...reading(page),
    press: (keys) => page.keyboard.press(keys),
    [Symbol.asyncDispose]: () => context.close(),
  };
}

function editing(
  page: Page,
): Pick<Window, "openFile" | "goTo" | "command" | "answer" | "clickToast" | "lightBulb" | "acceptAndSave"> {
  const input = page.locator(".quick-input-widget:visible input[type=text]");
  const row = (label: string) =>
    page.locator(`.quick-input-list .monaco-list-row[aria-label*="${label.replaceAll('"', '\\"')}"]`).first();
  /** VS Code closes its input when an editor takes the focus, as one that opens late does: it is then opened again. */
  const choose = async (keys: string, text: string, label: string) => {
    await insist(async () => {
      // One that is still open from the last attempt would show what it showed then.
      if (await input.isVisible()) await input.press("Escape");
      await page.keyboard.press(keys);
      await input.fill(text, { timeout: INPUT_TIMEOUT_MS });
      await row(label).waitFor({ timeout: INPUT_TIMEOUT_MS });
      // Not to whatever has the focus by now: the file would get a new line.
      await input.press("Enter", { timeout: INPUT_TIMEOUT_MS });
    });
  };
  const command = (title: string) => choose("F1", `>${title}`, title);
  return {
    async answer(question, text) {
      await page.locator(".quick-input-widget:visible", { hasText: question }).waitFor();
      await input.fill(text);
      await input.press("Enter");
    },
    async openFile(name) {
      await choose("ControlOrMeta+P", name, name);
      await page.locator(`.tab.active[aria-label^="${name}"]`).waitFor();
      await page.locator(".monaco-editor .view-line").first().waitFor();
    },
    async goTo(line, column) {
      await choose("Control+G", `:${line}:${column}`, `${line}`);
      await page.locator(".part.statusbar", { hasText: `Ln ${line}, Col ${column}` }).waitFor();
    },
    command,
    async acceptAndSave() {
      // The palette lists the commands that there are when it opens: the diff is there a moment before it can be accepted.
      await page.locator('.editor-actions [aria-label*="Accept Proposal"]').first().waitFor();
      await command("Tandem: Accept Proposal");
      // Until the diff has made way for the file, saving would mean the diff.
      await page.locator(".monaco-diff-editor").waitFor({ state: "detached" });
      await page.locator(".tab.active.dirty").waitFor();
      await page.keyboard.press("ControlOrMeta+S");
      await page.locator(".tab.active:not(.dirty)").waitFor();
    },
    async clickToast(text, button) {
      await toastOf(page, text).getByRole("button", { name: button, exact: true }).click();
    },
    async lightBulb() {
      const menu = page.locator(".context-view .action-widget").first();
      // VS Code closes the menu too, when one more provider, still starting, has something to add.
      await insist(async () => {
        await command("Quick Fix...");
        await menu.waitFor({ timeout: INPUT_TIMEOUT_MS });
      });
      return menu;
    },
  };
}

async function insist(attempt: () => Promise<void>): Promise<void> {
  for (let left = INPUT_ATTEMPTS - 1; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

function reading(
  page: Page,
): Pick<Window, "toast" | "sees" | "diff" | "webview" | "statusItem" | "tooltip" | "screenshot"> {
  return {
    async toast(text, timeout) {
      const toast = toastOf(page, text);
      await toast.waitFor({ timeout });
      return (await toast.locator(".notification-list-item-message").textContent()) ?? "";
    },
    async sees(text, timeout) {
      await page.locator(".monaco-editor .view-line", { hasText: text }).first().waitFor({ timeout });
    },
    async diff(timeout) {
      await page
        .locator(".monaco-diff-editor .char-insert, .monaco-diff-editor .line-insert")
        .first()
        .waitFor({ timeout });
    },
    async webview(text, timeout) {
      const body = inWebview(page).locator("body", { hasText: text });
      await body.waitFor({ timeout });
      return body;
    },
    statusItem: (text) => page.locator(".part.statusbar .statusbar-item", { hasText: text }).first(),
    async tooltip(text, timeout) {
      const deadlineMs = performance.now() + timeout;
      const shown = page.locator(".monaco-hover:visible", { hasText: text });
      // One that is shown already does not follow what it tells of: the pointer has to come again.
      for (;;) {
        await page.locator(".part.statusbar .statusbar-item[id*='tandem.status']").hover();
        const isShown = await shown.waitFor({ timeout: TOOLTIP_MS }).then(
          () => true,
          () => false,
        );
        if (isShown) return;
        if (performance.now() > deadlineMs) throw new Error(`the tooltip never said "${text}"`);
        await page.mouse.move(FAR_AWAY.x, FAR_AWAY.y);
      }
    },
    async screenshot(path) {
      await page.screenshot({ path, animations: "disabled", timeout: ACTION_TIMEOUT_MS });
    },
  };
}

function inWebview(page: Page): FrameLocator {
  return page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
}

function toastOf(page: Page, text: string | RegExp): Locator {
  return page.locator(".notification-toast", { hasText: text }).first();
}

function keep(lines: string[], line: string): void {
  lines.push(line);
  if (lines.length > CONSOLE_LIMIT) lines.shift();
}
