import { createServer, type Socket } from "node:net";
import { claim } from "../../server/rendezvous/claim.ts";
import { ownEndpoint } from "../../server/rendezvous/endpoint.ts";
import { receive } from "../../server/rendezvous/handshake.ts";
import { HELD_EXIT_CODE } from "../../server/rendezvous/launch.ts";
import { namesOf } from "../../server/rendezvous/names.ts";
import { decide } from "../../server/rendezvous/policy.ts";

/**
 * An orchestrator as far as finding one goes: it says to whom it serves who it is, and sends back what it is sent. It leaves
 * when nobody has been there for a moment, so that no test leaves one behind.
 */
const GRACE_MS = 3_000;
const version = process.env.TEST_VERSION ?? "1.0.0";
const sockets = new Set<Socket>();
let isLeaving = false;

console.error(`candidate ${process.pid}`);
if (process.env.TEST_CRASH) {
  console.error(process.env.TEST_CRASH);
  process.exit(7);
}
const held = await claim(namesOf());
if (!held) process.exit(HELD_EXIT_CODE);
console.error(`claimed ${process.pid}`);
const endpoint = await ownEndpoint(held.socket, version);
const never = new AbortController().signal;
let timer = setTimeout(leave, GRACE_MS);

async function leave(): Promise<void> {
  server.close();
  await held?.release();
  process.exit(0);
}

async function serve(socket: Socket): Promise<void> {
  const received = await receive(
    socket,
    {
      ...endpoint,
      decide: (hello) => {
        const verdict = decide(hello, version);
        if (verdict.tandem === "refused" && verdict.code === "superseded") drain();
        if (isLeaving) return { tandem: "refused", code: "leaving", message: "leaving" };
        return verdict;
      },
    },
    never,
  );
  if (!received) return;
  clearTimeout(timer);
  sockets.add(socket);
  socket.on("close", () => {
    sockets.delete(socket);
    if (sockets.size > 0) return;
    timer = setTimeout(leave, isLeaving ? 0 : GRACE_MS);
  });
  socket.write(`${process.pid}\n`);
  socket.pipe(socket);
}

function drain(): void {
  if (isLeaving) return;
  isLeaving = true;
  console.error(`draining ${process.pid}`);
  if (sockets.size === 0) setTimeout(leave, 0);
}

const server = createServer((socket) => void serve(socket));
server.listen(held.socket, () => void held.announce(endpoint));
process.on("SIGTERM", () => void leave());
