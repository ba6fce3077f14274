import type { Tier } from "../protocol/run.ts";
import type { CloudSettings } from "../protocol/settings.ts";
import type { CloudPermission } from "./route.ts";

/** Whether what a request would send may leave this machine; `why` is for people and never holds any of it. */
export type PrivacyVerdict = { readonly kind: "clear" } | { readonly kind: "kept"; readonly why: string };

/** What a request would send, for the question whether it may leave this machine. */
export interface Material {
  /** All of it, and what it was taken from: a secret elsewhere in the file counts too. */
  readonly texts: readonly string[];
  /** The files that any of it is from. */
  readonly uris: readonly string[];
  /** Globs of files that the user keeps here, besides those that always stay. */
  readonly keepLocal: readonly string[];
  /** The texts are a client's own, and may hold files that only their text names. */
  readonly arePathsInTexts: boolean;
}

/** Never throws: what cannot be checked is kept. */
export interface Privacy {
  judge(material: Material): Promise<PrivacyVerdict>;
}

/** Whether a provider is set up and allowed anything. */
export function isCloudOn({ endpoint, tiers }: CloudSettings): boolean {
  return endpoint !== "" && tiers.length > 0;
}

/** Whether an address is the provider's: the same host and port, whatever the path. */
export function isSameHost(url: string, provider: string): boolean {
  const [a, b] = [url, provider].map((it) => URL.parse(it.trim())?.host);
  return a !== undefined && a !== "" && a === b;
}

/** Whether there is any point in looking at what a task of this tier would send. */
export function mayAskCloud({ endpoint, tiers }: CloudSettings, tier: Tier): boolean {
  return endpoint !== "" && tiers.includes(tier);
}

/** Whether a task may be seen by the provider in the cloud. The verdict of a task of another tier is not looked at. */
export function cloudPermission(cloud: CloudSettings, tier: Tier, verdict: PrivacyVerdict): CloudPermission {
  const { when } = cloud;
  const refused = (why: string): CloudPermission => ({ isAllowed: false, why, when });
  if (cloud.endpoint === "") return refused("no provider in the cloud is set up");
  if (cloud.tiers.length === 0) return refused("the cloud is switched off");
  if (!cloud.tiers.includes(tier))
    return refused(`${tier} tasks stay here: the cloud is on for ${cloud.tiers.join(" and ")} ones`);
  if (verdict.kind === "kept") return refused(verdict.why);
  return { isAllowed: true, why: `the cloud is on for ${tier} tasks`, when };
}

/** Texts that a request consists of, or what of it nobody can look through. */
export type Readable = { readonly kind: "texts"; readonly texts: readonly string[] } | Unreadable;
interface Unreadable {
  readonly kind: "unreadable";
  /** For people: "an image". */
  readonly what: string;
}

/** Parts of a message that are text. */
const TEXT_PARTS: ReadonlySet<unknown> = new Set(["text", "refusal"]);
/** Pictures and sounds come as such addresses too, wherever there is text. */
const DATA_ADDRESS = /data:[\w.+-]{1,80}\/[\w.+-]{1,80}(?:;[\w=.+-]{1,80}){0,5};base64,/i;
/** OpenAI's requests have a depth of some ten. */
const MOST_DEPTH = 64;

/** Every text in a request of OpenAI's API, names of fields included, wherever it stands. */
export function textsOfRequest(body: Readonly<Record<string, unknown>>): Readable {
  const texts: string[] = [];
  const pending: { readonly value: unknown; readonly depth: number }[] = [{ value: body, depth: 0 }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { value, depth } = next;
    if (depth > MOST_DEPTH) return { kind: "unreadable", what: "something nested too deep" };
    if (typeof value === "string") texts.push(value);
    const what = unreadableIn(value);
    if (what !== null) return { kind: "unreadable", what };
    if (typeof value !== "object" || value === null) continue;
    if (!Array.isArray(value)) texts.push(...Object.keys(value));
    for (const it of Object.values(value)) pending.push({ value: it, depth: depth + 1 });
  }
  return { kind: "texts", texts };
}

function unreadableIn(value: unknown): string | null {
  if (typeof value === "string") return DATA_ADDRESS.test(value) ? "a file in the text" : null;
  if (typeof value !== "object" || value === null) return null;
  const { content, prompt, input } = value as Record<string, unknown>;
  if (Array.isArray(content))
    for (const it of content) {
      const type = typeof it === "object" && it !== null ? (it as { type?: unknown }).type : "text";
      if (!TEXT_PARTS.has(type)) return `a part of a message that is no text (${String(type).slice(0, 40)})`;
    }
  const isTokens = [prompt, input].some(
    (it) => Array.isArray(it) && it.flat().some((token) => typeof token === "number"),
  );
  return isTokens ? "tokens in place of text" : null;
}
