import { cloudPermission, type Material, mayAskCloud, type Privacy, textsOfRequest } from "../core/cloud.ts";
import type { CloudPermission } from "../core/route.ts";
import type { Task } from "../core/task.ts";
import type { Tier } from "../protocol/run.ts";
import type { Settings } from "../protocol/settings.ts";
import type { SourceDocument } from "../protocol/source.ts";
import type { Emit } from "../slot/state.ts";
import { findCompanion } from "./companion.ts";
import type { RunDeps } from "./deps.ts";

interface LeaveDeps {
  readonly privacy: Privacy;
  readonly settings: Pick<Settings, "cloud">;
}

/**
 * Whether the cloud may see this task: the request, the whole of each file that any of its prompts is made of, and what the editor says of
 * them. Null: no cloud is set up. What a prompt is to hold besides has to be named here too.
 */
export async function taskLeave(
  task: Task,
  unsaved: readonly SourceDocument[],
  deps: LeaveDeps & Pick<RunDeps, "files">,
): Promise<CloudPermission | null> {
  return leave(task.tier, deps, async () => {
    const { document, instruction, diagnostics } = task;
    const companion = task.action === "test" ? await findCompanion(task, unsaved, deps.files) : null;
    return {
      texts: [instruction, document?.text ?? "", companion?.text ?? "", ...diagnostics.map((it) => it.message)],
      uris: [document, companion].flatMap((it) => it?.uri ?? []),
      arePathsInTexts: false,
    };
  });
}

/** The same for a request in OpenAI's shape, whose texts may hold files of which only they know the names. */
export async function requestLeave(
  body: Readonly<Record<string, unknown>>,
  tier: Tier,
  deps: LeaveDeps,
): Promise<CloudPermission | null> {
  return leave(tier, deps, async () => {
    const found = textsOfRequest(body);
    return found.kind === "texts" ? { texts: found.texts, uris: [], arePathsInTexts: true } : found.what;
  });
}

/** Hears who in the cloud may see a request, for the mark on its answer. */
export interface Mark {
  readonly emit: Emit;
  /** Hosts; null: nobody could. */
  host(): string | null;
}

export function createMark(emit: Emit): Mark {
  const hosts = new Set<string>();
  return {
    emit(event) {
      if (event.kind === "cloud") hosts.add(event.host);
      emit(event);
    },
    host: () => (hosts.size === 0 ? null : [...hosts].join(", ")),
  };
}

type Gathered = Omit<Material, "keepLocal"> | string;

/** Nothing is looked through where the tier decides it already. A text in place of the material: what cannot be looked through. */
async function leave(
  tier: Tier,
  { privacy, settings: { cloud } }: LeaveDeps,
  gather: () => Promise<Gathered>,
): Promise<CloudPermission | null> {
  if (cloud.endpoint === "") return null;
  if (!mayAskCloud(cloud, tier)) return cloudPermission(cloud, tier, { kind: "clear" });
  const material = await gather();
  if (typeof material !== "string")
    return cloudPermission(cloud, tier, await privacy.judge({ ...material, keepLocal: cloud.keepLocal }));
  return cloudPermission(cloud, tier, { kind: "kept", why: `${material} cannot be checked for secrets` });
}
