import type { Material, Privacy, PrivacyVerdict } from "../core/cloud.ts";
import type { Log } from "../ports.ts";

/** Characters in all. More is not looked through, and what was not looked through stays here; a file that is worked on has no more. */
const MOST_CHARACTERS = 1_500_000;

const CLEAR: PrivacyVerdict = { kind: "clear" };

/** Decides what stays on this machine. What it cannot decide stays. */
export function createPrivacy({ log }: { readonly log: Log }): Privacy {
  return {
    async judge(material) {
      try {
        return await judged(material);
      } catch (error) {
        // Its message may hold what it was looking at.
        log.warn("privacy check failed", { error: error instanceof Error ? error.name : typeof error });
        return kept("it could not be checked whether it holds secrets");
      }
    },
  };
}

async function judged({ texts, uris, keepLocal, arePathsInTexts }: Material): Promise<PrivacyVerdict> {
  // Read when a cloud is first in question.
  const [{ keptPaths }, { findSecret }] = await Promise.all([import("./paths.ts"), import("./secrets.ts")]);
  const paths = keptPaths(keepLocal);
  for (const uri of uris) {
    const glob = await paths.ofFile(uri);
    if (glob !== null) return kept(`its file stays here: ${glob}`);
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
