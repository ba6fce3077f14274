import * as vscode from "vscode";
import { readPrivateFile } from "../../server/platform/privateFile.ts";
import { rotateKey } from "../../server/protocol/requests.ts";
import type { ServeEvent } from "../../server/protocol/service.ts";
import type { App } from "../app.ts";
import { failureOf } from "../failure.ts";

/** Puts what an OpenAI client has to know on the clipboard, as the environment variables that such clients read. */
export async function copyHttpAccess(app: App): Promise<void> {
  const { state } = app.door;
  if (state.kind === "open") return await copy(state.at);
  if (state.kind === "refused") {
    const { message, nextStep } = state.failure;
    return await offerSettings(`Tandem cannot be reached over HTTP: ${message}. ${nextStep}.`);
  }
  if (state.kind === "opening") {
    void vscode.window.showInformationMessage("Tandem is just being opened for HTTP. Try again in a moment.");
    return;
  }
  await offerSettings("Tandem is not open for HTTP. Turn on tandem.http.enabled, then copy again.");
}

/** Makes a new key after asking: every program that has the old one stops working. */
export async function rotateHttpKey(app: App): Promise<void> {
  const detail = "Programs that use the old key are refused from then on, until you give them the new one.";
  const chosen = await vscode.window.showWarningMessage(
    "Make a new HTTP key?",
    { modal: true, detail },
    "Make New Key",
  );
  if (!chosen) return;
  await told(async () => {
    const orchestrator = await app.orchestrator();
    const { keyFile } = await orchestrator.send(rotateKey, {}, { signal: AbortSignal.timeout(ROTATING_MS) });
    void vscode.window
      .showInformationMessage(`Tandem: the new HTTP key is in ${keyFile}.`, "Copy Address and Key")
      .then((copying) => copying && copyHttpAccess(app));
  });
}

const ROTATING_MS = 30_000;

async function copy({ url, keyFile }: ServeEvent): Promise<void> {
  await told(async () => {
    const key = (await readPrivateFile(keyFile))?.trim();
    if (!key) throw new Error(`there is no key in ${keyFile}`);
    await vscode.env.clipboard.writeText(`OPENAI_BASE_URL=${url}/v1\nOPENAI_API_KEY=${key}\n`);
    void vscode.window.showInformationMessage(
      `Copied OPENAI_BASE_URL and OPENAI_API_KEY. The base URL for OpenAI clients is ${url}/v1; the key is kept in ${keyFile}, and whoever has it can use your models.`,
    );
  });
}

async function offerSettings(message: string): Promise<void> {
  const chosen = await vscode.window.showInformationMessage(message, "Open Settings");
  if (chosen) await vscode.commands.executeCommand("workbench.action.openSettings", "tandem.http");
}

async function told(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { message, nextStep } = failureOf(error, null);
    void vscode.window.showErrorMessage(`${message}. ${nextStep}.`);
  }
}
