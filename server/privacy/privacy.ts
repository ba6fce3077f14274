import type { Material, Privacy, PrivacyVerdict } from "../core/cloud.ts";
import type { Log } from "../ports.ts";
import type { KeptPaths } from "./paths.ts";

/** Characters in all. More is not looked through, and what was not looked through stays here; a file that is worked on has no more. */
const MOST_CHARACTERS = 1_500_000;

/** Where there is no path to be kept. */
const NO_PATHS: KeptPaths = { ofFile: async () => null, inText: () => null };
const CLEAR: PrivacyVerdict = { kind: "clear" };

/** Decides what stays on this machine. What it cannot decide stays. */
export function createPrivacy({ log }: { readonly log: Log }): Privacy {
  // The globs of one user change seldom, and making patterns of them takes longer than looking at a file.
  let last: { readonly globs: string; readonly paths: KeptPaths } | null = null;
  async function pathsOf(keepLocal: readonly string[]): Promise<KeptPaths> {
    const globs = JSON.stringify(keepLocal);
    if (last?.globs === globs) return last.paths;
    // Read when a cloud is first in question.
    const { keptPaths } = await import("./paths.ts");
    last = { globs, paths: keptPaths(keepLocal) };
    return last.paths;
  }
  return {
    async judge(material) {
      try {
        const hasPaths = material.uris.length > 0 || material.arePathsInTexts;
        return await judged(material, hasPaths ? await pathsOf(material.keepLocal) : NO_PATHS);
      } catch (error) {
        // Its message may hold what it was looking at.
        log.warn("privacy check failed", { error: error instanceof Error ? error.name : typeof error });
        return kept("it could not be checked whether it holds secrets");
      }
    },
  };
}

async function judged({ texts, uris, arePathsInTexts }: Material, paths: KeptPaths): Promise<PrivacyVerdict> {
  const { findSecret } = await import("./secrets.ts");
  for (const uri of uris) {
    const glob = await paths.ofFile(uri);
    if (glob !== null) return kept(`one of its files is not for the cloud: ${glob}`);
  }
  const characters = texts.reduce((sum, it) => sum + it.length, 0);
  if (characters > MOST_CHARACTERS)
    return kept(
      `it is too long to be checked for secrets: ${characters} characters, and at most ${MOST_CHARACTERS} are`,
    );
  for (const text of texts) {
    const glob = arePathsInTexts ? paths.inText(text) : null;
    if (glob !== null) return kept(`it names a file that stays here: ${glob}`);
    const secret = await findSecret(text);
    if (secret !== null) return kept(`it looks like it holds ${secret}`);
  }
  return CLEAR;
}

function kept(why: string): PrivacyVerdict {
  return { kind: "kept", why };
}
