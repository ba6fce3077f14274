import assert from "node:assert/strict";
import { test } from "node:test";
import { socketPath } from "../../server/platform/socketPath.ts";

const cases: readonly { platform: NodeJS.Platform; folder: string; want: string | null }[] = [
  { platform: "linux", folder: "/run/user/1000/tandem", want: "/run/user/1000/tandem/name.sock" },
  { platform: "darwin", folder: `/${"f".repeat(92)}`, want: `/${"f".repeat(92)}/name.sock` },
  { platform: "darwin", folder: `/${"f".repeat(93)}`, want: null },
  { platform: "linux", folder: `/${"f".repeat(96)}`, want: `/${"f".repeat(96)}/name.sock` },
  { platform: "linux", folder: `/${"f".repeat(97)}`, want: null },
  { platform: "linux", folder: `/${"é".repeat(49)}`, want: null },
  { platform: "win32", folder: `C:\\${"f".repeat(200)}`, want: "\\\\.\\pipe\\tandem-name" },
];

for (const { platform, folder, want } of cases)
  test(`${platform}, a folder of ${Buffer.byteLength(folder)} bytes: ${want ? "a path" : "refused"}`, () => {
    const path = () => socketPath(folder, "name", platform);
    if (want) assert.equal(path(), want);
    else assert.throws(path, { name: "TandemError", code: "not-configured", nextStep: /TANDEM_RUNTIME/ });
  });
