import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { openLine } from "../../server/cli/line.ts";
import { Settings } from "../../server/protocol/settings.ts";
import { startDoor } from "../transport/door.ts";

test("an orchestrator that refuses this client's settings is not held on to", async () => {
  await using door = await startDoor();
  const { socket } = await door.enter();
  socket.removeAllListeners("data");
  const closed = once(socket, "close");
  const settings = { ...Settings.parse({}), maxTokens: -1 };
  await assert.rejects(openLine(socket, { settings, onLog: () => undefined }), /maxTokens/);
  await closed;
});
