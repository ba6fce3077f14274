import { type Hello, PROTOCOL, type Verdict } from "../protocol/handshake.ts";

/** What an orchestrator of `version` says to a client whose proof was right. Newer clients get their own version, older ones this. */
export function decide(hello: Hello, version: string): Verdict {
  const { protocol, client } = hello;
  const theirs = `${client.version} (protocol ${protocol})`;
  const ours = `${version} (protocol ${PROTOCOL})`;
  if (protocol < PROTOCOL)
    return { tandem: "refused", code: "protocol", message: `The orchestrator is ${ours}, this client ${theirs}` };
  if (protocol > PROTOCOL || compareVersions(client.version, version) > 0)
    return {
      tandem: "refused",
      code: "superseded",
      message: `The orchestrator is ${ours} and makes room for ${theirs}`,
    };
  return { tandem: "welcome" };
}

/** Which of two package versions comes later, as semver.org orders them: above 0 when it is `left`. What is no version equals everything. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [parse(left), parse(right)];
  if (!a || !b) return 0;
  for (const [index, number] of a.numbers.entries()) {
    const difference = number - (b.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return comparePreviews(a.preview, b.preview);
}

interface Version {
  readonly numbers: readonly number[];
  /** `beta` and `2` of `1.0.0-beta.2`; empty for a release. */
  readonly preview: readonly string[];
}

function parse(text: string): Version | null {
  const match = /^v?(\d+)\.(\d+)\.(\d+)(?:-([0-9a-z.-]+))?(?:\+.*)?$/i.exec(text);
  return match && { numbers: match.slice(1, 4).map(Number), preview: match[4]?.split(".") ?? [] };
}

/** A release comes after its previews; of two previews the longer comes after the one it begins with. */
function comparePreviews(left: readonly string[], right: readonly string[]): number {
  if (left.length === 0 || right.length === 0) return right.length - left.length;
  for (const [index, a] of left.entries()) {
    const b = right[index];
    if (b === undefined) return 1;
    if (a !== b) return compareParts(a, b);
  }
  return left.length - right.length;
}

/** Numbers come before words. */
function compareParts(left: string, right: string): number {
  const [a, b] = [left, right].map((it) => (/^\d+$/.test(it) ? Number(it) : null));
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "number") return -1;
  if (typeof b === "number") return 1;
  return left < right ? -1 : 1;
}
