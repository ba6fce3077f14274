import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import picomatch from "picomatch";

/** Files whose purpose is to hold secrets. A name without a slash is one of a file or a folder, wherever it lies. */
const ALWAYS_KEPT: readonly string[] = [
  ...[
    ".env",
    ".env.*",
    ".envrc",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".htpasswd",
  ],
  ...["*.pem", "*.p8", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.ppk", "*.kdbx", "*.gpg"],
  ...["id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".ssh", ".gnupg", ".aws", ".azure", ".kube", "kubeconfig*"],
  ...[".docker/config.json", ".dockercfg", ".git-credentials", "credentials", "secrets", ".secrets", ".config/gcloud"],
  ...["secrets.{json,yml,yaml,toml}", "credentials.{json,yml,yaml,toml}", "service-account*.json"],
  ...["*.tfvars", "*.tfvars.json", "*.tfstate*", ".vault-token", "wp-config.php"],
];
/** In a text without a slash these are as often a member of an object: `process.env`, `it.key`. */
const KEPT_AS_FILES: readonly string[] = [
  ...["*.env", "*.key", "*.asc", "*.secret", "*.secrets", "secret.*", "secrets.*", "credentials.*"],
];

/** What keeps paths on this machine: a glob, or null for none. */
export interface KeptPaths {
  /** By the file's name or by where its name leads. Throws where that cannot be found out. */
  ofFile(uri: string): Promise<string | null>;
  /** Of the first path in a text that is kept. Throws where there are too many. */
  inText(text: string): string | null;
}

/** Globs as in .gitignore: without a slash a name at any depth, with one a part of the path; from `/` or `~/` on, the whole path. */
export function keptPaths(globs: readonly string[]): KeptPaths {
  const asName = matcher([...ALWAYS_KEPT, ...globs]);
  const asFile = matcher([...ALWAYS_KEPT, ...KEPT_AS_FILES, ...globs]);
  return {
    async ofFile(uri) {
      for (const path of await namesOf(uri)) {
        const kept = asFile(path);
        if (kept !== null) return kept;
      }
      return null;
    },
    inText(text) {
      for (const path of pathsIn(text)) {
        const kept = path.includes("/") ? asFile(path) : asName(path);
        if (kept !== null) return kept;
      }
      return null;
    },
  };
}

/** Longer than the paths that systems open by name; time goes with a power of it where globs have several stars. */
const MOST_PATH = 1_024;

/** Without the constructs whose match may take long. */
const OPTIONS = { dot: true, nocase: true, noextglob: true } as const;

/** The first of the globs that matches a path. */
function matcher(globs: readonly string[]): (path: string) => string | null {
  const each = globs.map((glob) => ({ glob, pattern: patternOf(glob) }));
  // Most paths match none, which one pattern tells at once.
  const any = new RegExp(each.map((it) => it.pattern.source).join("|"), "i");
  return (path) => {
    if (path.length > MOST_PATH) throw new Error("a path too long to look at");
    const bare = path.replace(/^\/+/, "");
    return any.test(bare) ? (each.find((it) => it.pattern.test(bare))?.glob ?? null) : null;
  };
}

function patternOf(glob: string): RegExp {
  const slashed = glob.trim().replaceAll("\\", "/").replace(/^\.\//, "").replace(/\/+$/, "");
  const homed = slashed.replace(/^~(?=\/|$)/, () => slashPath(homedir()));
  const path = /^(?:\/|[a-z]:\/)/i.test(homed) ? homed.replace(/^\/+/, "") : `**/${homed}`;
  const [itself, below] = [path, `${path}/**`].map((it) => picomatch.makeRe(it, OPTIONS).source);
  return new RegExp(`${itself}|${below}`, "i");
}

/** The path that a URI names, and where that leads; links on the way to a file that is not there yet are followed too. */
async function namesOf(uri: string): Promise<string[]> {
  const named = decodeURIComponent(URL.parse(uri)?.pathname ?? uri).replaceAll("\\", "/");
  if (!uri.toLowerCase().startsWith("file:")) return [named];
  return [named, slashPath(await realOf(fileURLToPath(uri)))];
}

async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const parent = dirname(path);
    if ((code !== "ENOENT" && code !== "ENOTDIR") || parent === path) throw error;
    return join(await realOf(parent), path.slice(parent.length));
  }
}

function slashPath(path: string): string {
  return decodeURIComponent(pathToFileURL(path).pathname);
}

/** More different ones in one text than any conversation names. */
const MOST_PATHS = 20_000;

/** Words that could be paths: with a dot or a slash in them, or the name of a key. */
function pathsIn(text: string): Set<string> {
  const found = new Set<string>();
  for (const [word] of text.matchAll(/[^\s"'`<>|*?,;=()[\]{}]{2,400}/g)) {
    if (!/[./\\]|^id_|^kubeconfig/i.test(word) || /^https?:/i.test(word)) continue;
    const path = word
      .replaceAll("\\", "/")
      .replace(/^file:\/\//i, "")
      .replace(/[.:/]{1,9}$/, "")
      .replace(/(?::\d+){1,3}$/, "");
    found.add(path);
    if (found.size > MOST_PATHS) throw new Error("too many paths to look at");
  }
  return found;
}
