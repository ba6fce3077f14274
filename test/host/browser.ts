import { type Browser, chromium } from "playwright-core";

/** The only page that may be reached is the one under test; the sandbox is left out because root cannot have it. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A headless browser; who launches it closes it. */
export async function launchBrowser(executablePath: string): Promise<Browser> {
  // The run itself heeds signals, and closes the browser with everything else.
  const signals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
  return chromium.launch({ executablePath, headless: true, args: FLAGS, timeout: 30_000, ...signals });
}
