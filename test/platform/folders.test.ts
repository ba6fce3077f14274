import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  cacheFolder,
  configFile,
  instanceId,
  runtimeFolder,
  type Surroundings,
  stateFolder,
} from "../../server/platform/folders.ts";
import { rootOnly } from "../setup/only.ts";

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

const runs: readonly (Pick<Surroundings, "platform" | "home" | "env"> & { want: string })[] = [
  { platform: "linux", home: "/home/ada", env: {}, want: "/tmp/tandem-501" },
  { platform: "linux", home: "/home/ada", env: { XDG_RUNTIME_DIR: "/run/user/501" }, want: "/run/user/501/tandem" },
  { platform: "linux", home: "/home/ada", env: { XDG_RUNTIME_DIR: "run" }, want: "/tmp/tandem-501" },
  { platform: "darwin", home: "/Users/ada", env: {}, want: "/tmp/tandem-501" },
  { platform: "win32", home: "C:\\Users\\ada", env: {}, want: "C:\\Users\\ada\\AppData\\Local\\tandem\\run" },
  { platform: "linux", home: "/home/ada", env: { TANDEM_RUNTIME: "/r", XDG_RUNTIME_DIR: "/run" }, want: "/r" },
];

for (const it of runs)
  test(`running: ${it.platform} ${JSON.stringify(it.env)}: ${it.want}`, () => {
    assert.equal(runtimeFolder({ ...it, temporary: "/tmp", uid: 501 }), it.want);
  });

const files: typeof cases = [
  { platform: "linux", home: "/home/ada", env: {}, want: "/home/ada/.config/tandem/tandem.jsonc" },
  { platform: "linux", home: "/home/ada", env: { XDG_CONFIG_HOME: "/etc/ada" }, want: "/etc/ada/tandem/tandem.jsonc" },
  {
    platform: "darwin",
    home: "/Users/ada",
    env: {},
    want: "/Users/ada/Library/Application Support/tandem/tandem.jsonc",
  },
  {
    platform: "win32",
    home: "C:\\Users\\ada",
    env: { APPDATA: "D:\\Roaming" },
    want: "D:\\Roaming\\tandem\\tandem.jsonc",
  },
  {
    platform: "linux",
    home: "/home/ada",
    env: { TANDEM_CONFIG: "/my.jsonc", XDG_CONFIG_HOME: "/x" },
    want: "/my.jsonc",
  },
];

for (const it of files)
  test(`configuration: ${it.platform} ${JSON.stringify(it.env)}: ${it.want}`, () =>
    assert.equal(configFile({ ...it, temporary: "/tmp", uid: 501 }), it.want));

const states: readonly (Pick<Surroundings, "platform" | "home" | "env"> & { want: string })[] = [
  { platform: "linux", home: "/home/ada", env: {}, want: "/home/ada/.local/state/tandem" },
  { platform: "linux", home: "/home/ada", env: { XDG_STATE_HOME: "/var/ada" }, want: "/var/ada/tandem" },
  { platform: "darwin", home: "/Users/ada", env: {}, want: "/Users/ada/Library/Application Support/tandem" },
  { platform: "win32", home: "C:\\Users\\ada", env: {}, want: "C:\\Users\\ada\\AppData\\Local\\tandem\\state" },
  { platform: "linux", home: "/home/ada", env: { TANDEM_STATE: "/s", XDG_STATE_HOME: "/var" }, want: "/s" },
];

for (const it of states)
  test(`state: ${it.platform} ${JSON.stringify(it.env)}: ${it.want}`, () => {
    assert.equal(stateFolder({ ...it, temporary: "/tmp", uid: 501 }), it.want);
  });

test("who keeps models or state elsewhere has an orchestrator of his own; any other variable makes no difference", () => {
  const around = { platform: "linux", home: "/home/ada", temporary: "/tmp", uid: 501 } as const;
  const plain = instanceId({ ...around, env: {} });
  assert.match(plain, /^[0-9a-f]{12}$/);
  assert.equal(instanceId({ ...around, env: { TANDEM_DRAFT_MODEL: "other", XDG_RUNTIME_DIR: "/run" } }), plain);
  assert.notEqual(instanceId({ ...around, env: { TANDEM_CACHE: "/data" } }), plain);
  assert.notEqual(instanceId({ ...around, env: { TANDEM_STATE: "/state" } }), plain);
});

test("a user who has a number and no name, as in containers, has folders as well", { skip: rootOnly }, async () => {
  const module = new URL("../../server/platform/folders.ts", import.meta.url).href;
  const script = `import { runtimeFolder } from ${JSON.stringify(module)}; console.log(runtimeFolder());`;
  const nameless = { uid: 54_321, gid: 54_321, cwd: "/", env: { HOME: "/" } };
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], nameless);
  assert.match(stdout, /tandem-54321$/m);
});
