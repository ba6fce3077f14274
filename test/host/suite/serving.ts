import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import * as vscode from "vscode";
import { setting, told } from "./desk.ts";

const POLL_MS = 50;

/** The HTTP door, as the setting opens and closes it. */
export function serving(): void {
  describe("serving over HTTP", () => {
    afterEach(async () => {
      await setting("http.enabled", undefined);
      await setting("http.port", undefined);
    });

    it("is open while the setting is on, for who has the key on the clipboard", async () => {
      const port = await freePort();
      await setting("http.port", port);
      await setting("http.enabled", true);
      await answered(`http://127.0.0.1:${port}/health`);
      await vscode.commands.executeCommand("tandem.copyHttpAccess");
      await told.next(/^Copied OPENAI_BASE_URL and OPENAI_API_KEY/);
      const [, url, key] =
        /^OPENAI_BASE_URL=(.+)\nOPENAI_API_KEY=(.+)\n$/.exec(await vscode.env.clipboard.readText()) ?? [];
      assert.equal(url, `http://127.0.0.1:${port}/v1`);
      assert.equal(await statusOf(`${url}/embeddings`, key ?? ""), 400, "the key is right, the request is not");
      assert.equal(await statusOf(`${url}/embeddings`, "tandem-guessed"), 401);
      await setting("http.enabled", false);
      await refused(`http://127.0.0.1:${port}/health`);
      await vscode.commands.executeCommand("tandem.copyHttpAccess");
      await told.next(/Turn on tandem\.http\.enabled/);
    });

    it("says what to do when another program has the port", async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      try {
        await setting("http.port", portOf(server));
        await setting("http.enabled", true);
        await told.next(/cannot be reached over HTTP: .* in use .* another port/);
      } finally {
        server.close();
      }
    });
  });
}

/** A port that nobody has at the moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return port;
}

function portOf(server: Server): number {
  const address = server.address();
  assert.ok(typeof address === "object" && address);
  return address.port;
}

async function statusOf(url: string, key: string): Promise<number> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: "{}" });
  await response.body?.cancel();
  return response.status;
}

/** Another process opens and closes the door, so that looking again is all there is; Mocha's own time-out ends it. */
async function answered(url: string): Promise<void> {
  while (!(await isAnswered(url))) await delay(POLL_MS);
}

async function refused(url: string): Promise<void> {
  while (await isAnswered(url)) await delay(POLL_MS);
}

async function isAnswered(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false; // nobody listens
  }
}
