// An engine child whose driver hangs: it loads nothing whose path says "stuck", and of an answer gives one text, or signs of reading.
import type { FromChild, ToChild } from "../../server/engine/wire.ts";

const READS = 40;
const READ_EVERY_MS = 25;

process.on("disconnect", () => process.exit(0));
process.on("message", (raw) => {
  const message = raw as ToChild;
  if (message.kind === "leave") process.exit(0);
  if (message.kind === "load" && !message.path.includes("stuck"))
    send({ kind: "loaded", gpu: "none", threads: 1, buffers: null, said: null });
  if (message.kind !== "generate") return;
  const { id, request } = message;
  if (request.prompt.kind === "text" && request.prompt.text === "long") readOn(id, READS);
  else send({ kind: "text", id, text: "a" });
});

/** Reads for as long as the test's limit, and is never silent for as long as that. */
function readOn(id: number, left: number): void {
  if (left === 0) {
    send({ kind: "text", id, text: "read" });
    send({
      kind: "done",
      id,
      finish: "stop",
      promptTokens: 1,
      cachedTokens: 0,
      completionTokens: 1,
      prefillMs: 1,
      decodeMs: 1,
    });
    return;
  }
  send({ kind: "reading", id });
  setTimeout(() => readOn(id, left - 1), READ_EVERY_MS);
}

function send(message: FromChild): void {
  process.send?.(message);
}
