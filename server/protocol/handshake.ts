import { z } from "zod";

/**
 * Version of what is spoken on the socket, raised with every change that an older client or orchestrator would misread.
 * Only the same number talks to each other; a package version may differ. The lines of this file keep their shape in every
 * version, or two of different ones could not tell each other that they are.
 */
export const PROTOCOL = 1;

/** Hex of 32 random bytes, made for one connection. */
const Nonce = z.string().regex(/^[0-9a-f]{64}$/);
/** Hex of an HMAC-SHA256 under the orchestrator's secret: shows that one has read the file that only this user can read. */
const Proof = z.string().regex(/^[0-9a-f]{64}$/);

/** Who is at the other end of a connection. */
export const ClientInfo = z.object({
  /** `vscode`: our extension; `cli`: our command line; `editor`: any other, through `tandem lsp` or of a later version. */
  kind: z.enum(["vscode", "cli", "editor"]).catch("editor"),
  pid: z.int().positive(),
  /** The package version. */
  version: z.string().max(50),
});
export type ClientInfo = z.output<typeof ClientInfo>;

/** First line, from the client. */
export const Hello = z.object({
  tandem: z.literal("hello"),
  protocol: z.int(),
  client: ClientInfo,
  nonce: Nonce,
});
export type Hello = z.output<typeof Hello>;

/** Second line, from the orchestrator: `proof` is over both nonces, so that a stranger who took the address learns nothing and is known. */
export const Challenge = z.object({
  tandem: z.literal("challenge"),
  protocol: z.int(),
  version: z.string().max(50),
  pid: z.int().positive(),
  nonce: Nonce,
  proof: Proof,
});
export type Challenge = z.output<typeof Challenge>;

/** Third line, from the client. */
export const Answer = z.object({ tandem: z.literal("answer"), proof: Proof });

/**
 * Why the orchestrator does not serve this client.
 * - wrong-proof  it does not know the secret
 * - protocol     the client speaks an older version of the protocol
 * - superseded   the client is newer: the orchestrator drains and makes room for the client's own version
 * - leaving      it is about to go; another may be started as soon as it has let go of its claim
 * - full         too many clients
 */
export const RefusalCode = z.enum(["wrong-proof", "protocol", "superseded", "leaving", "full"]);
export type RefusalCode = z.output<typeof RefusalCode>;

/** Last line, from the orchestrator. After `welcome` the connection speaks LSP. */
export const Verdict = z.discriminatedUnion("tandem", [
  z.object({ tandem: z.literal("welcome") }),
  z.object({ tandem: z.literal("refused"), code: RefusalCode, message: z.string().max(500) }),
]);
export type Verdict = z.output<typeof Verdict>;
