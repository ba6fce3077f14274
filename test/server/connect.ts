import { join } from "node:path";
import type { z } from "zod";
import { packageVersion, serverEntry } from "../../server/assets.ts";
import { type Client, createClient } from "../../server/cli/client.ts";
import { openLine } from "../../server/cli/line.ts";
import { surroundings } from "../../server/platform/folders.ts";
import { Settings } from "../../server/protocol/settings.ts";
import { attach } from "../../server/rendezvous/attach.ts";
import { launch } from "../../server/rendezvous/launch.ts";
import { namesOf } from "../../server/rendezvous/names.ts";
import type { Instance } from "./instance.ts";

const never = new AbortController().signal;

/** A client as the command line is one, in this process. `version` is what it says it is. */
export function connect(
  instance: Instance,
  settings: z.input<typeof Settings>,
  { version = packageVersion, signal = never } = {},
): Promise<Client> {
  const env = { ...process.env, ...instance.env };
  const names = namesOf({ ...surroundings(), env });
  const client = { kind: "cli", pid: process.pid, version } as const;
  const logPath = join(instance.folder, "state", "orchestrator.log");
  const start = () =>
    launch({ program: process.execPath, entry: serverEntry(), args: ["--shared"], env, logPath, cwd: instance.folder });
  const parsed = Settings.parse(settings);
  return createClient(async () => {
    const { socket } = await attach({ client, names, start }, signal);
    return openLine(socket, { settings: parsed, onLog: () => undefined });
  });
}
