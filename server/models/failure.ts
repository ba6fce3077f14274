/**
 * Why a source did not give the file.
 * - unreachable   the network or the server is down: another source, or another model, may serve
 * - refused       the server answered that it will not give it (missing, forbidden)
 * - wrong-content what came is not the file that was asked for
 */
export type FailureKind = "unreachable" | "refused" | "wrong-content";

/** Raised by sources and caught by whoever tries them in order. The message is a clause for people: no capital, no full stop. */
export class SourceError extends Error {
  readonly kind: FailureKind;
  /** Whether asking the same source again may help. */
  readonly isPassing: boolean;
  /** What the server asked us to wait; null when it did not say. */
  readonly retryAfterMs: number | null;

  constructor(
    kind: FailureKind,
    message: string,
    options: { cause?: unknown; isPassing?: boolean; retryAfterMs?: number | null } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "SourceError";
    this.kind = kind;
    this.isPassing = options.isPassing ?? false;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** What the network stack threw, as a failure of the source; anything it does not know is returned as it is. */
export function fromNetwork(error: unknown, host: string): unknown {
  if (error instanceof SourceError) return error;
  const code = codeOf(error);
  if (code === null) return error;
  const say = (message: string, isPassing: boolean) =>
    new SourceError("unreachable", message, { cause: error, isPassing });
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return say(`the name ${host} could not be looked up`, false);
  if (code === "ECONNREFUSED") return say(`${host} refused the connection`, false);
  if (code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT") return say(`${host} did not answer in time`, false);
  if (/^(ENETUNREACH|EHOSTUNREACH|ENETDOWN|EADDRNOTAVAIL)$/.test(code)) return say(`there is no way to ${host}`, false);
  if (/CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS|ERR_SSL/.test(code))
    return say(
      `the certificate of ${host} is not trusted here (${code}); NODE_EXTRA_CA_CERTS can name a company's own`,
      false,
    );
  if (code === "UND_ERR_INVALID_ARG" || code === "UND_ERR_ABORTED")
    return say(`${host} cannot be reached through the proxy`, false);
  if (/^(UND_ERR_|E(CONN|PIPE|PROTO)|HPE_)/.test(code)) return say(`the connection to ${host} broke (${code})`, true);
  return error;
}

/** Depth to which causes and the parts of aggregate errors are searched. */
const MAX_DEPTH = 4;

function codeOf(error: unknown, depth = 0): string | null {
  if (!(error instanceof Error) || depth > MAX_DEPTH) return null;
  if ("code" in error && typeof error.code === "string") return error.code;
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : [error.cause];
  for (const it of inner) {
    const code = codeOf(it, depth + 1);
    if (code !== null) return code;
  }
  return null;
}
