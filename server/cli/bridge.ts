import { once } from "node:events";
import type { Site } from "./site.ts";

/** LSP's last message. Some editors send it and leave the pipe open until we end. Inside a document its quotes would be escaped. */
const GOODBYE = /"method"\s*:\s*"exit"/;
const GOODBYE_BYTES = 200;

/**
 * `tandem lsp`: an editor that starts its language servers itself gets the shared orchestrator on this process's stdin and stdout.
 * Resolves to the exit code: 0 when the editor ended it, 1 when the orchestrator did, so that the editor starts another.
 */
export async function bridge(site: Site, signal: AbortSignal): Promise<number> {
  const { socket } = await site.socket();
  let isEditorGone = false;
  process.stdin.once("end", () => {
    isEditorGone = true;
  });
  process.stdin.on("data", (bytes: Buffer) => {
    if (GOODBYE.test(bytes.subarray(-GOODBYE_BYTES).toString("latin1"))) isEditorGone = true;
  });
  const stop = () => socket.destroy();
  signal.addEventListener("abort", stop, { once: true });
  socket.on("error", () => undefined); // seen as its end
  process.stdin.pipe(socket);
  socket.pipe(process.stdout, { end: false });
  await once(socket, "close");
  process.stdin.destroy();
  return isEditorGone || signal.aborted ? 0 : 1;
}
