import { join } from "node:path";
import { instanceId, runtimeFolder, type Surroundings, surroundings } from "../platform/folders.ts";

/** The files by which the processes of one instance find each other. All lie in a folder that is this user's alone. */
export interface Names {
  readonly folder: string;
  /** What the files' names begin with. */
  readonly instance: string;
  /** How to reach the orchestrator that serves; absent while none does. */
  readonly endpoint: string;
  /** Locked by the one orchestrator for as long as it lives. */
  readonly lock: string;
  /** Left by the client that is starting one, so that the others wait for it. */
  readonly marker: string;
}

/** The names of the instance that this process belongs to. */
export function namesOf(around: Surroundings = surroundings()): Names {
  const folder = runtimeFolder(around);
  const instance = instanceId(around);
  const at = (kind: string) => join(folder, `${instance}.${kind}`);
  return { folder, instance, endpoint: at("json"), lock: at("lock"), marker: at("starting") };
}
