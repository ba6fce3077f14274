import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ClientInfo } from "../../server/protocol/handshake.ts";
import {
  listenOn,
  MOST_CLIENTS,
  MOST_STRANGERS,
  type SocketDoor,
  type SocketDoorDeps,
} from "../../server/transport/socket.ts";
import { silentLog } from "../fakes/log.ts";
import { unixOnly } from "../setup/only.ts";

const client: ClientInfo = { kind: "cli", pid: 1, version: "0" };

interface Place extends AsyncDisposable {
  readonly path: string;
  readonly door: SocketDoor;
  /** Connects, and resolves when the other side has the connection or has closed it. */
  knock(): Promise<Socket>;
}

/** A door with a handshake of one byte: anything but "y" is refused. */
async function place(deps: Partial<SocketDoorDeps> = {}): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "td-"));
  const path = process.platform === "win32" ? `\\\\.\\pipe\\${folder.replaceAll("\\", "-")}` : join(folder, "s");
  if (process.platform !== "win32") await writeFile(path, "left over");
  const door = await listenOn(path, {
    log: silentLog,
    async receive(socket, room, signal) {
      const byte = await Promise.race([once(socket, "data", { signal }), once(socket, "close")]).catch(() => []);
      if (String(byte[0]) === "y" && !room.isFull()) return { client };
      socket.destroy();
      return null;
    },
    onClient: (socket) => void socket.write("in"),
    ...deps,
  });
  const sockets: Socket[] = [];
  return {
    path,
    door,
    async knock() {
      const socket = connect(path);
      sockets.push(socket.on("error", () => undefined).resume());
      await once(socket, "connect");
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const it of sockets) it.destroy();
      await door[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function enter(from: Place): Promise<Socket> {
  const socket = await from.knock();
  socket.write("y");
  await once(socket, "data");
  return socket;
}

test("a client is handed on after the handshake, with who it is; another peer is not", async () => {
  const seen: ClientInfo[] = [];
  await using here = await place({
    onClient(socket, who) {
      seen.push(who);
      socket.write("in");
    },
  });
  await enter(here);
  const stranger = await here.knock();
  stranger.write("n");
  await once(stranger, "close");
  assert.deepEqual(seen, [client]);
  assert.equal(here.door.clients(), 1);
});

test("the socket is its user's alone, and a file left over is no obstacle", {
  skip: unixOnly,
}, async () => {
  await using here = await place();
  assert.equal((await stat(here.path)).mode & 0o777, 0o600);
});

test("those who say nothing are bounded in number, and closed when the door is", async () => {
  await using here = await place();
  const silent = await Promise.all(Array.from({ length: MOST_STRANGERS }, () => here.knock()));
  const one = await here.knock();
  await once(one, "close");
  const closed = silent.map((it) => once(it, "close"));
  await here.door[Symbol.asyncDispose]();
  await Promise.all(closed);
});

test("there is a last client, and its place is free again when it has gone", async () => {
  await using here = await place();
  const inside: Socket[] = [];
  while (inside.length < MOST_CLIENTS) inside.push(await enter(here));
  const late = await here.knock();
  late.write("y");
  await once(late, "close");
  inside[0]?.destroy();
  for (;;) {
    const next = await here.knock();
    next.write("y");
    const [what] = await Promise.race([once(next, "data"), once(next, "close")]);
    if (String(what) === "in") break;
  }
  assert.equal(here.door.clients(), MOST_CLIENTS);
});

test("clients that are in stay when the door closes", async () => {
  const sockets: Socket[] = [];
  await using here = await place({
    onClient(socket) {
      sockets.push(socket);
      socket.write("in");
    },
  });
  const socket = await enter(here);
  await here.door[Symbol.asyncDispose]();
  sockets[0]?.write("still here");
  assert.equal(String((await once(socket, "data"))[0]), "still here");
});
