/** What one door bears. Every number is a bound on something a client could otherwise let grow. */
export interface HttpLimits {
  /** A request's body. A long chat with files in it has some hundred kB. */
  readonly bodyBytes: number;
  /** Request line and headers together. */
  readonly headerBytes: number;
  /** Arrays and objects within each other in a body. */
  readonly nesting: number;
  /** For all headers of a request to arrive, from its first byte or the connection's start. */
  readonly headersMs: number;
  /** For a whole request to arrive. */
  readonly requestMs: number;
  /** Between an answer and the next request on the same connection. */
  readonly idleMs: number;
  /** Open at once; one more is closed without an answer. */
  readonly connections: number;
  /** Requests at work or waiting for an engine at once; one more gets 429. */
  readonly running: number;
  /** Of an answer, written and not yet taken by the client. */
  readonly unreadBytes: number;
  /** How long a client may leave an answer, or a part of it, unread. */
  readonly unreadMs: number;
  /** Between signs of life in a stream that has no text yet; nginx and others give up after 60 s. */
  readonly pingMs: number;
  /** How long running answers may go on once the door is closing. */
  readonly drainMs: number;
}

export const LIMITS: HttpLimits = {
  bodyBytes: 8 * 1024 * 1024,
  headerBytes: 16 * 1024,
  nesting: 64,
  headersMs: 10_000,
  requestMs: 60_000,
  idleMs: 15_000,
  connections: 256,
  running: 64,
  unreadBytes: 1024 * 1024,
  unreadMs: 30_000,
  pingMs: 10_000,
  drainMs: 10_000,
};
