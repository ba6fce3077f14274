import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { z } from "zod";
import type { Log } from "../../server/ports.ts";
import { Settings } from "../../server/protocol/settings.ts";
import type { Status } from "../../server/protocol/status.ts";
import { createTally } from "../../server/tally.ts";
import { type HttpDoor, type HttpOptions, openHttp } from "../../server/transport/http/door.ts";
import { recordingLog } from "../fakes/log.ts";
import { type TestWorldOptions, testWorld } from "../server/testWorld.ts";

export const KEY = "tandem-test-key-0123456789";

export interface TestDoor extends AsyncDisposable {
  readonly door: HttpDoor;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** What the door logged. */
  readonly lines: readonly string[];
}

/** The real orchestrator behind its real HTTP door; models come from endpoints alone. */
export async function startDoor(
  settings: z.input<typeof Settings>,
  options: Partial<HttpOptions> & { readonly world?: TestWorldOptions } = {},
  log: Log & { readonly lines: readonly string[] } = recordingLog(),
): Promise<TestDoor> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-http-"));
  let latest: Status | null = null;
  const tally = createTally({ clock: { nowMs: () => performance.now() }, wallMs: () => Date.now() });
  const { world: worldOptions, ...doorOptions } = options;
  const world = testWorld(folder, log, { tally, ...worldOptions });
  const session = world.connect(null, (status) => {
    latest = status;
  });
  session.configure(Settings.parse(settings));
  const door = await openHttp(
    {
      host: "127.0.0.1",
      port: 0,
      key: () => KEY,
      tls: null,
      isPlainAllowed: false,
      allowedHosts: [],
      allowedOrigins: [],
      ...doorOptions,
    },
    {
      ...{ session, version: "0.0.0-test", log, tally: (worldOptions?.tally ?? tally).read },
      status: () => latest ?? { engines: [], isDraining: false },
    },
  );
  return {
    door,
    url: door.url,
    port: door.port,
    lines: log.lines,
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]();
      session[Symbol.dispose]();
      await world[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
