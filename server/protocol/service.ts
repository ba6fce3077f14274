import { z } from "zod";

/** Where the HTTP door is to be opened, and how far it may be reached. */
export const ServeParams = z.object({
  /** An address of this machine. Beyond loopback it takes TLS, or `isPlainAllowed`. */
  host: z.string().min(1).max(255).default("127.0.0.1"),
  /** 0 picks a free one. */
  port: z.int().min(0).max(65_535).default(8_765),
  /** Paths of PEM files. */
  tls: z.object({ certificate: z.string(), key: z.string() }).nullable().default(null),
  /** Says that the network between here and the clients is trusted: no TLS beyond loopback. The key is asked for all the same. */
  isPlainAllowed: z.boolean().default(false),
  /** Names beside the address itself under which clients may ask, against DNS rebinding. */
  allowedHosts: z.array(z.string().min(1).max(255)).max(32).default([]),
  /** Web pages that may ask, as `https://example.org`; by default none. */
  allowedOrigins: z.array(z.string().min(1).max(255)).max(32).default([]),
});
export type ServeParams = z.output<typeof ServeParams>;

/** The door is open; it stays so until the request is cancelled or the client goes, and as long as another client wants it. */
export const ServeEvent = z.object({
  kind: z.literal("listening"),
  /** `http://127.0.0.1:8765`; OpenAI clients add `/v1`. */
  url: z.string(),
  /** The file with the key that clients send, with everything but health and, on loopback, the list of models. Only this user can read it. */
  keyFile: z.string(),
  /** Of the orchestrator. */
  pid: z.int(),
});
export type ServeEvent = z.output<typeof ServeEvent>;

export const StopParams = z.object({
  /** `drained`: when the running requests of all clients are done; `now`: they are broken off. */
  when: z.enum(["drained", "now"]).default("drained"),
});

/** Why the orchestrator leaves its clients: one of a newer version takes over, or somebody asked it to stop. */
export const Moving = z.object({
  reason: z.enum(["superseded", "stopped"]),
  message: z.string(),
});
export type Moving = z.output<typeof Moving>;
