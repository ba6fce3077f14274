import { TandemError } from "../errors.ts";

/** HTTP's status for a server that has too much to do. */
const TOO_MANY = 429;

/** Whether a failure speaks against the engine, so that routing prefers others. A request that was turned down does not. */
export function isEnginesFault(error: unknown): boolean {
  if (!(error instanceof TandemError)) return true;
  const { status } = error.details ?? {};
  // A key that is refused is refused to everybody; a server that makes no vectors may write well.
  if (error.code === "not-configured") return status === 401 || status === 403;
  if (error.code === "context-length" || error.code === "bad-request" || error.code === "bad-input") return false;
  const isRefusal = typeof status === "number" && status >= 400 && status < 500 && status !== TOO_MANY;
  return !(error.code === "provider" && isRefusal);
}
