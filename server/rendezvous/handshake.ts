import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { addAbortListener } from "node:events";
import type { Socket } from "node:net";
import { abortError } from "../errors.ts";
import {
  Answer,
  Challenge,
  type ClientInfo,
  Hello,
  PROTOCOL,
  type RefusalCode,
  Verdict,
} from "../protocol/handshake.ts";
import type { Endpoint } from "./endpoint.ts";
import { lineOf, readLine } from "./lines.ts";

/** From the connection to the verdict. */
const LIMIT_MS = 5_000;

/**
 * What a client finds at an address.
 * - welcome   an orchestrator that serves it; the socket speaks LSP from its next byte on
 * - refused   one that does not
 * - stranger  something that does not know the secret; it was told nothing
 * - silent    nothing that speaks as it should, or not in time
 * The socket is destroyed except after a welcome.
 */
export type Greeting =
  | { readonly kind: "welcome"; readonly version: string; readonly pid: number }
  | {
      readonly kind: "refused";
      readonly code: RefusalCode;
      readonly message: string;
      readonly version: string;
      readonly protocol: number;
      readonly pid: number;
    }
  | { readonly kind: "stranger" }
  | { readonly kind: "silent" };

export interface Greeter {
  readonly endpoint: Pick<Endpoint, "secret">;
  readonly client: ClientInfo;
  readonly limitMs?: number;
}

/** The client's side, on a connected socket. Throws TandemError cancelled when `signal` fires, and nothing else. */
export async function greet(socket: Socket, greeter: Greeter, signal: AbortSignal): Promise<Greeting> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(greeter.limitMs ?? LIMIT_MS))]);
  quieten(socket);
  const greeting = await exchange(socket, greeter, limit);
  if (greeting.kind !== "welcome") socket.destroy();
  if (!signal.aborted) return greeting;
  socket.destroy();
  throw abortError(signal);
}

async function exchange(socket: Socket, { endpoint, client }: Greeter, signal: AbortSignal): Promise<Greeting> {
  const nonce = newNonce();
  socket.write(lineOf(Hello, { tandem: "hello", protocol: PROTOCOL, client, nonce }));
  const challenge = await readLine(socket, Challenge, signal);
  if (!challenge) return { kind: "silent" };
  const nonces = { client: nonce, orchestrator: challenge.nonce };
  if (!isSame(challenge.proof, proofOf("orchestrator", endpoint.secret, nonces))) return { kind: "stranger" };
  socket.write(lineOf(Answer, { tandem: "answer", proof: proofOf("client", endpoint.secret, nonces) }));
  const verdict = await readLine(socket, Verdict, signal);
  if (!verdict) return { kind: "silent" };
  const { version, protocol, pid } = challenge;
  return verdict.tandem === "welcome"
    ? { kind: "welcome", version, pid }
    : { kind: "refused", code: verdict.code, message: verdict.message, version, protocol, pid };
}

export interface Receiver {
  readonly secret: string;
  readonly version: string;
  readonly pid: number;
  /** Asked only about a client whose proof was right. */
  readonly decide: (hello: Hello) => Verdict;
  readonly limitMs?: number;
}

/**
 * The orchestrator's side. Null when the peer is not to be served, whatever it sent; its socket is destroyed then, after the reason
 * where it may know one. Never throws: `signal` firing is one more such case.
 */
export async function receive(
  socket: Socket,
  { secret, version, pid, decide, limitMs = LIMIT_MS }: Receiver,
  signal: AbortSignal,
): Promise<{ readonly client: ClientInfo } | null> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  quieten(socket);
  const hello = await readLine(socket, Hello, limit);
  if (!hello) return drop(socket);
  const nonces = { client: hello.nonce, orchestrator: newNonce() };
  const proof = proofOf("orchestrator", secret, nonces);
  const challenge = { protocol: PROTOCOL, version, pid, nonce: nonces.orchestrator, proof };
  socket.write(lineOf(Challenge, { tandem: "challenge", ...challenge }));
  const answer = await readLine(socket, Answer, limit);
  if (!answer) return drop(socket);
  const verdict = isSame(answer.proof, proofOf("client", secret, nonces)) ? decide(hello) : WRONG_PROOF;
  socket.write(lineOf(Verdict, verdict));
  if (verdict.tandem === "welcome") return { client: hello.client };
  socket.destroySoon();
  addAbortListener(limit, () => socket.destroy()); // for a peer that does not read
  return null;
}

const WRONG_PROOF: Verdict = {
  tandem: "refused",
  code: "wrong-proof",
  message: "The client does not know the orchestrator's secret",
};

function drop(socket: Socket): null {
  socket.destroy();
  return null;
}

/** An error ends in `close`, which is what everyone here and after us waits for; unheard it would end the process. */
function quieten(socket: Socket): void {
  socket.on("error", () => undefined);
}

function newNonce(): string {
  return randomBytes(32).toString("hex");
}

interface Nonces {
  readonly client: string;
  readonly orchestrator: string;
}

/** The side is part of it, so that nobody can send back what he was sent. */
function proofOf(side: "client" | "orchestrator", secret: string, nonces: Nonces): string {
  const text = `tandem ${side}\n${nonces.client}\n${nonces.orchestrator}`;
  return createHmac("sha256", Buffer.from(secret, "hex")).update(text).digest("hex");
}

/** Both are hex of the same length. */
function isSame(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left, "hex"), Buffer.from(right, "hex"));
}
