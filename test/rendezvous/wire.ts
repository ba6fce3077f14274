import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { socketPath } from "../../server/platform/socketPath.ts";
import { PROTOCOL } from "../../server/protocol/handshake.ts";

/** The handshake as its contract has it, written once more: what our two sides agree on by mistake is found here. */
export const SECRET = "5ec2e7".padEnd(64, "0");

/** Both ends of one connection of the kind that clients have. */
export async function pair(t: TestContext): Promise<{ client: Socket; server: Socket }> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-"));
  const listening = createServer();
  const path = socketPath(folder, randomBytes(8).toString("hex"));
  await once(listening.listen(path), "listening");
  const accepted = once(listening, "connection") as Promise<[Socket]>;
  const client = connect(path);
  const [server] = await accepted;
  t.after(async () => {
    client.destroy();
    server.destroy();
    listening.close();
    await rm(folder, { recursive: true, force: true });
  });
  for (const socket of [client, server]) socket.on("error", () => undefined);
  return { client, server };
}

export function hello(nonce = "1".repeat(64), extra: object = {}): string {
  const client = { kind: "cli", pid: 1, version: "1.0.0" };
  return line({ tandem: "hello", protocol: PROTOCOL, client, nonce, ...extra });
}

export function answer(clientNonce: string, serverNonce: string, secret = SECRET): string {
  return line({ tandem: "answer", proof: proof("client", clientNonce, serverNonce, secret) });
}

export function challenge(clientNonce: string, serverNonce: string, secret = SECRET): string {
  const nonces = proof("orchestrator", clientNonce, serverNonce, secret);
  return line({
    tandem: "challenge",
    protocol: PROTOCOL,
    version: "2.0.0",
    pid: 99,
    nonce: serverNonce,
    proof: nonces,
  });
}

export function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function proof(side: string, clientNonce: string, serverNonce: string, secret: string): string {
  const text = `tandem ${side}\n${clientNonce}\n${serverNonce}`;
  return createHmac("sha256", Buffer.from(secret, "hex")).update(text).digest("hex");
}

/** Everything a socket receives, by lines, and whole. */
export function listen(socket: Socket): {
  line(index: number): Promise<Record<string, string>>;
  all(): Promise<string>;
} {
  let text = "";
  let isOver = false;
  const heard = () => new Promise((resolve) => socket.once("data", resolve).once("close", resolve));
  socket.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  socket.on("close", () => {
    isOver = true;
  });
  return {
    async line(index) {
      while (text.split("\n").length <= index + 1 && !isOver) await heard();
      return JSON.parse(text.split("\n")[index] || "{}");
    },
    async all() {
      while (!isOver) await heard();
      return text;
    },
  };
}

/** Sends byte after byte, each as a packet of its own as far as the system lets us. */
export async function drip(socket: Socket, text: string): Promise<void> {
  for (const byte of Buffer.from(text)) {
    socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What comes out of a socket after its handshake, until it ends. */
export async function rest(socket: Socket): Promise<string> {
  let text = "";
  for await (const piece of socket.setEncoding("utf8")) text += piece;
  return text;
}

/** Resolves when the connection has ended, in peace or by an error. */
export function closing(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.resume().once("close", resolve));
}
