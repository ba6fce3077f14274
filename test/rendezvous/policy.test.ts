import assert from "node:assert/strict";
import { test } from "node:test";
import { type Hello, PROTOCOL } from "../../server/protocol/handshake.ts";
import { compareVersions, decide } from "../../server/rendezvous/policy.ts";

const verdicts: readonly { protocol: number; client: string; server: string; want: string }[] = [
  { protocol: PROTOCOL, client: "1.2.0", server: "1.2.0", want: "welcome" },
  { protocol: PROTOCOL, client: "1.1.9", server: "1.2.0", want: "welcome" },
  { protocol: PROTOCOL, client: "1.2.1", server: "1.2.0", want: "superseded" },
  { protocol: PROTOCOL, client: "1.10.0", server: "1.9.0", want: "superseded" },
  { protocol: PROTOCOL, client: "1.2.0-beta.1", server: "1.2.0", want: "welcome" },
  { protocol: PROTOCOL, client: "1.2.0", server: "1.2.0-beta.1", want: "superseded" },
  { protocol: PROTOCOL, client: "from source", server: "1.2.0", want: "welcome" },
  { protocol: PROTOCOL, client: "", server: "", want: "welcome" },
  { protocol: PROTOCOL + 1, client: "1.2.0", server: "1.2.0", want: "superseded" },
  { protocol: PROTOCOL + 1, client: "1.1.0", server: "1.2.0", want: "superseded" },
  { protocol: PROTOCOL - 1, client: "1.2.0", server: "1.2.0", want: "protocol" },
  { protocol: PROTOCOL - 1, client: "9.0.0", server: "1.2.0", want: "protocol" },
];

for (const { protocol, client, server, want } of verdicts)
  test(`client ${client} (${protocol}) at orchestrator ${server} (${PROTOCOL}): ${want}`, () => {
    const info = { kind: "cli", pid: 1, version: client } as const;
    const hello: Hello = { tandem: "hello", protocol, client: info, nonce: "0".repeat(64) };
    const verdict = decide(hello, server);
    assert.equal(verdict.tandem === "refused" ? verdict.code : verdict.tandem, want);
  });

/** Each comes before the next: the example of semver.org, and numbers that are not compared as text. */
const ascending = [
  "0.9.0",
  "1.0.0-alpha",
  "1.0.0-alpha.1",
  "1.0.0-alpha.beta",
  "1.0.0-beta",
  "1.0.0-beta.2",
  "1.0.0-beta.11",
  "1.0.0-rc.1",
  "1.0.0",
  "1.0.10",
  "1.9.0",
  "1.10.0",
  "10.0.0",
];

test("versions come in the order of semver.org", () => {
  for (const [i, left] of ascending.entries())
    for (const [j, right] of ascending.entries())
      assert.equal(Math.sign(compareVersions(left, right)), Math.sign(i - j), `${left} and ${right}`);
  assert.equal(compareVersions("1.0.0+build.5", "1.0.0"), 0);
  assert.equal(compareVersions("v1.0.1", "1.0.0"), 1);
});
