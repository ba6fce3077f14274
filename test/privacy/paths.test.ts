import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { keptPaths } from "../../server/privacy/paths.ts";

const cases: { name: string; path: string; globs?: string[]; want: string | null }[] = [
  { name: "source", path: "/w/src/app.ts", want: null },
  { name: "variables", path: "/w/.env", want: ".env" },
  { name: "variables of a stage", path: "/w/api/.env.production", want: ".env.*" },
  { name: "variables by another name", path: "/w/prod.env", want: "*.env" },
  { name: "in capitals, as some systems do not tell them apart", path: "/w/.ENV", want: ".env" },
  { name: "a key", path: "/w/tls/server.pem", want: "*.pem" },
  { name: "a key of SSH", path: "/home/u/id_ed25519", want: "id_ed25519*" },
  { name: "whatever lies beside keys", path: "/home/u/.ssh/config", want: ".ssh" },
  { name: "a folder of secrets", path: "/w/deploy/secrets/db/prod.yaml", want: "secrets" },
  { name: "a file of secrets", path: "/w/secrets.php", want: "secrets.*" },
  { name: "npm's token", path: "/w/.npmrc", want: ".npmrc" },
  { name: "a cluster's", path: "/w/kubeconfig-prod", want: "kubeconfig*" },
  { name: "no id of a key", path: "/w/id_generator.py", want: null },
  { name: "no secret by its name's part", path: "/w/secretary.ts", want: null },
  { name: "a name of the user's", path: "/w/lib/pricing.py", globs: ["pricing.py"], want: "pricing.py" },
  { name: "a folder of the user's", path: "/w/core/engine/a.ts", globs: ["core/engine"], want: "core/engine" },
  { name: "a folder with a slash", path: "/w/private/a.ts", globs: ["private/"], want: "private/" },
  { name: "stars", path: "/w/src/crypto/aes/key.ts", globs: ["src/crypto/**"], want: "src/crypto/**" },
  { name: "backslashes", path: "/w/src/crypto/a.ts", globs: ["src\\crypto"], want: "src\\crypto" },
  { name: "the whole path", path: "/w/a/x.ts", globs: ["/w/a"], want: "/w/a" },
  { name: "the whole path of another", path: "/v/w/a/x.ts", globs: ["/w/a"], want: null },
  { name: "at home", path: join(homedir(), "work/x.ts"), globs: ["~/work"], want: "~/work" },
  { name: "part of a name is no name", path: "/w/reprivate/a.ts", globs: ["private"], want: null },
];
for (const it of cases)
  test(`${it.name}: ${it.want === null ? "may go" : "stays"}`, async () =>
    assert.equal(await keptPaths(it.globs ?? []).ofFile(pathToFileURL(it.path).href), it.want));

test("a path on Windows, and one that is on no disk", async () => {
  const { ofFile } = keptPaths(["C:\\work\\closed"]);
  assert.equal(await ofFile("vscode-vfs://github/o/r/.env"), ".env");
  assert.equal(await ofFile("vscode-remote://x/c%3A/work/closed/a.ts"), "C:\\work\\closed");
  assert.equal(await ofFile("untitled:Untitled-1"), null);
});

const folder = mkdtempSync(join(tmpdir(), "tandem-kept-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("a link does not hide where it leads", async () => {
  mkdirSync(join(folder, "secrets"));
  writeFileSync(join(folder, "secrets", "a.txt"), "");
  symlinkSync(join(folder, "secrets", "a.txt"), join(folder, "harmless.ts"));
  symlinkSync(join(folder, "secrets"), join(folder, "src"));
  symlinkSync(join(folder, "round"), join(folder, "round"));
  const { ofFile } = keptPaths([]);
  const at = (name: string) => ofFile(pathToFileURL(join(folder, name)).href);
  assert.equal(await at("harmless.ts"), "secrets");
  assert.equal(await at("src/new/file.ts"), "secrets");
  assert.equal(await at("plain.ts"), null);
  await assert.rejects(at("round"), { code: "ELOOP" });
});

const texts: { name: string; text: string; globs?: string[]; want: string | null }[] = [
  { name: "no path", text: "explain how process.env is read, e.g. in app.ts.", want: null },
  { name: "members of objects", text: "it.key = this.secrets.get(user.credentials) ?? secret.value;", want: null },
  { name: "such a file, by its path", text: "tls/server.key", want: "*.key" },
  {
    name: "such a file, by a name that is none of a member",
    text: "see `credentials.json`",
    want: "credentials.{json,yml,yaml,toml}",
  },
  { name: "an address", text: "see https://example.org/.env.html and http://a/.ssh", want: null },
  { name: "a file in a fence", text: "```ini deploy/.env\nA=1\n```", want: ".env" },
  { name: "with a line", text: "at C:\\w\\.npmrc:12:3:", want: ".npmrc" },
  { name: "a URI", text: "file:///w/.kube/config", want: ".kube" },
  { name: "the user's", text: "# src/pricing/model.py\ndef x(): ...", globs: ["src/pricing"], want: "src/pricing" },
];
for (const it of texts)
  test(`paths in a text: ${it.name}`, () => assert.equal(keptPaths(it.globs ?? []).inText(it.text), it.want));

test("a text of nothing but paths is not looked through to its end", () => {
  const text = Array.from({ length: 30_000 }, (_, at) => `src/a/b/c/file${at}.ts`).join("\n");
  assert.throws(() => keptPaths([]).inText(text), /too many paths/);
});
