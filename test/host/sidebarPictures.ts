import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { catalogue } from "../../server/models/catalogue.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { card, fakeSmi, installSmi } from "../gpu/smi.ts";
import { clickActivity, sidebarIn } from "./sidebarFrame.ts";
import { play, type Stage } from "./stage.ts";

const UI_MS = 20_000;
const LOAD_MS = 60_000;
const GAME = "GPU-00000000-1111-2222-3333-444444444444, 4242, 3072, /usr/games/minetest";
const SOURCE = "export function double(value: number): number {\n  return value * 2;\n}\n";
/** The second is hot, and nearly full. */
const CARDS = [
  card(0),
  card(1, { "memory.used": "23800", "memory.free": "776", "temperature.gpu": "83", "utilization.gpu": "97" }),
];

export interface Album {
  readonly theme: string;
  /** Where the pictures go, and how their names begin. */
  readonly prefix: string;
  readonly shot: (what: string) => void;
}

/** The sidebar with no GPU, one and two, a model on the processor and a decision. */
export async function photographSidebar(stage: Stage, album: Album, signal: AbortSignal): Promise<void> {
  for (const gpus of [0, 1, 2]) await photograph(stage, album, gpus, signal);
}

async function photograph(stage: Stage, { theme, prefix, shot }: Album, gpus: number, signal: AbortSignal) {
  await using model = await startFakeLlama({ reply: () => "It doubles the value." });
  using smi = fakeSmi({ cards: CARDS.slice(0, gpus), processes: [GAME] });
  await using tools = await folderOf();
  if (gpus > 0) installSmi(smi, tools.folder);
  const settings = {
    "workbench.colorTheme": theme,
    "tandem.draft.endpoint": model.url,
    "tandem.audit.model": catalogue.find((it) => it.isTrial)?.id,
    "tandem.audit.device": "cpu",
    "tandem.auditWhen": "never",
  };
  const env = { VSCODE_CLI: "1", PATH: `${tools.folder}${delimiter}${process.env.PATH}` };
  const scene = { name: `sidebar ${theme} ${gpus}`, settings, files: { "numbers.ts": SOURCE }, env };
  const shoot = async (it: { screenshot(path: string): Promise<void> }, what: string) => {
    await it.screenshot(`${prefix}-${what}.png`);
    shot(what);
  };
  await play(
    stage,
    scene,
    async ({ window }) => {
      const body = sidebarIn(window.page);
      await clickActivity(window.page, "Tandem");
      await body.getByText("Nothing runs yet").waitFor({ timeout: UI_MS });
      if (gpus === 0) await shoot(window, "7-sidebar-first");
      await body.getByRole("button", { name: "Start" }).click();
      await body.getByRole("button", { name: /^Load TinyLlama/ }).click({ timeout: UI_MS });
      await body.getByRole("button", { name: /^Unload TinyLlama/ }).waitFor({ timeout: LOAD_MS });
      await window.openFile("numbers.ts");
      await window.goTo(1, 18);
      await window.command("Tandem: Explain");
      await body.getByRole("button", { name: /explain.*(ms|s)/i }).waitFor({ timeout: UI_MS });
      await body.locator("section").first().scrollIntoViewIfNeeded();
      await shoot(window, `8-sidebar-${gpus}-gpus`);
    },
    signal,
  );
}

async function folderOf(): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-tools-"));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
