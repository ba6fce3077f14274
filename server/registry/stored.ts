import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { readPrivateFile, writePrivateFile } from "../platform/privateFile.ts";
import type { Log } from "../ports.ts";
import { ConfigModel } from "../protocol/configModel.ts";

/** Models that were registered while an orchestrator ran, on disk; there may be keys of servers among them. */
export interface Stored {
  read(): Promise<ConfigModel[]>;
  /** Throws what the disk says. */
  write(models: readonly ConfigModel[]): Promise<void>;
}

const File = z.object({ models: z.array(z.unknown()).max(1_000) });

export function createStored(path: string, log: Log): Stored {
  return {
    async read() {
      try {
        const text = await readPrivateFile(path);
        if (text === null) return [];
        const { models } = File.parse(JSON.parse(text));
        // What another version has written and this one does not know is passed over, one by one.
        return models.flatMap((it) => ConfigModel.safeParse(it).data ?? []);
      } catch (error) {
        log.warn("registered models not read", {
          path,
          reason: error instanceof Error ? error.message : String(error),
        });
        return [];
      }
    },
    async write(models) {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writePrivateFile(path, `${JSON.stringify({ models }, null, 2)}\n`);
    },
  };
}
