import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { z } from "zod";
import { engineEntry, shimEntry, wasmPath } from "../../server/assets.ts";
import { createOpenEngine } from "../../server/backends/open.ts";
import { createFiles } from "../../server/files.ts";
import { catalogue } from "../../server/models/catalogue.ts";
import { createModelStore } from "../../server/models/store.ts";
import type { Log } from "../../server/ports.ts";
import { Settings } from "../../server/protocol/settings.ts";
import type { Status } from "../../server/protocol/status.ts";
import { createSyntax } from "../../server/syntax/treeSitter.ts";
import { type HttpDoor, type HttpOptions, openHttp } from "../../server/transport/http/door.ts";
import { createWorld } from "../../server/world.ts";
import { recordingLog } from "../fakes/log.ts";

export const KEY = "tandem-test-key-0123456789";

export interface TestDoor extends AsyncDisposable {
  readonly door: HttpDoor;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** What the door logged. */
  readonly lines: readonly string[];
}

const refuse = () => Promise.reject(new Error("there is no such service in this test"));

/** The real orchestrator behind its real HTTP door; models come from endpoints alone. */
export async function startDoor(
  settings: z.input<typeof Settings>,
  options: Partial<HttpOptions> = {},
  log: Log & { readonly lines: readonly string[] } = recordingLog(),
): Promise<TestDoor> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-http-"));
  const clock = { nowMs: () => performance.now() };
  let latest: Status | null = null;
  const world = createWorld({
    clock,
    log,
    catalogue,
    syntax: createSyntax({ wasmPath }),
    files: createFiles(),
    store: createModelStore({ folder: join(folder, "cache"), log, clock }),
    openEngine: createOpenEngine({ log, childPath: engineEntry(), shimPath: shimEntry(), register: null }),
    hardware: () => Promise.resolve({ ramBytes: 16e9, cores: 2, gpus: [] }),
    version: "0.0.0-test",
    service: () => ({ serve: refuse, rotateKey: refuse, stop: refuse }),
    doors: () => ({ http: null, isDraining: false }),
    wasResident: () => false,
    onResidents: () => undefined,
  });
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
      ...options,
    },
    { session, version: "0.0.0-test", log, status: () => latest ?? { engines: [], isDraining: false } },
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
