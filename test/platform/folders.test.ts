import assert from "node:assert/strict";
import { test } from "node:test";
import { cacheFolder, type Surroundings } from "../../server/platform/folders.ts";

const cases: readonly (Pick<Surroundings, "platform" | "home" | "env"> & { want: string })[] = [
  { platform: "linux", home: "/home/ada", env: {}, want: "/home/ada/.cache/tandem" },
  { platform: "linux", home: "/home/ada", env: { XDG_CACHE_HOME: "/var/cache/ada" }, want: "/var/cache/ada/tandem" },
  { platform: "linux", home: "/home/ada", env: { XDG_CACHE_HOME: "cache" }, want: "/home/ada/.cache/tandem" },
  { platform: "darwin", home: "/Users/ada", env: {}, want: "/Users/ada/Library/Caches/tandem" },
  { platform: "win32", home: "C:\\Users\\ada", env: {}, want: "C:\\Users\\ada\\AppData\\Local\\tandem" },
  { platform: "win32", home: "C:\\Users\\ada", env: { LOCALAPPDATA: "D:\\Local" }, want: "D:\\Local\\tandem" },
  { platform: "linux", home: "/home/ada", env: { TANDEM_CACHE: "/data", XDG_CACHE_HOME: "/var" }, want: "/data" },
  { platform: "win32", home: "C:\\Users\\ada", env: { TANDEM_CACHE: "E:\\models" }, want: "E:\\models" },
];

for (const it of cases)
  test(`${it.platform} ${JSON.stringify(it.env)}: ${it.want}`, () =>
    assert.equal(cacheFolder({ ...it, temporary: "/tmp", uid: 501 }), it.want));
