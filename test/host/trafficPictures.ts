import { createGate } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import type { Album } from "./sidebarPictures.ts";
import { play, type Stage } from "./stage.ts";

const UI_MS = 20_000;
const SOURCE = "export function double(value: number): number {\n  return value * 2;\n}\n";
const DOCUMENTED = `\`\`\`ts
/**
 * Doubles a number.
 *
 * @param value What is doubled.
 * @returns Twice the value.
 */
\`\`\``;

/** A draft whose audit goes on, and what the link that takes it at once brings up. */
export async function photographTraffic(
  stage: Stage,
  { theme, prefix, shot }: Album,
  signal: AbortSignal,
): Promise<void> {
  const gate = createGate();
  await using model = await startFakeLlama({
    reply: ({ prompt }) =>
      prompt.includes("You review code") ? { text: '{"ok":true}', beforePiece: gate.wait } : DOCUMENTED,
  });
  const settings = {
    "workbench.colorTheme": theme,
    "tandem.draft.endpoint": model.url,
    "tandem.audit.endpoint": model.url,
    "tandem.auditWhen": "always",
  };
  await play(
    stage,
    { name: `traffic ${theme}`, settings, files: { "numbers.ts": SOURCE }, env: {} },
    async ({ window }) => {
      const shoot = async (what: string) => {
        await window.screenshot(`${prefix}-${what}.png`);
        shot(what);
      };
      await window.openFile("numbers.ts");
      await window.goTo(1, 18);
      await window.command("Tandem: Write Docstring");
      const link = window.page.locator(".notification-toast a", { hasText: "use it now" });
      await link.waitFor({ timeout: UI_MS });
      await shoot("9-drafted");
      await link.click();
      await window.diff(UI_MS);
      await shoot("10-used-now");
    },
    signal,
  );
}
