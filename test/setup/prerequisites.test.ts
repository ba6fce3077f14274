import assert from "node:assert/strict";
import { test } from "node:test";
import { type Machine, missingPrerequisites } from "./prerequisites.ts";

interface Row {
  readonly name: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly hasBrowser?: boolean;
  /** What is missing, and how to get it. */
  readonly want: readonly (readonly [string, RegExp])[];
}

const UNIX = { PATH: "/usr/local/bin:/usr/bin" };
const WINDOWS = { Path: "C:\\Windows\\System32;C:\\tools", "ProgramFiles(x86)": "C:\\Program Files (x86)" };

const rows: readonly Row[] = [
  {
    name: "Linux with everything",
    platform: "linux",
    env: UNIX,
    files: ["/usr/bin/g++", "/usr/local/bin/cmake", "/usr/bin/git", "/usr/bin/curl", "/usr/bin/ps"],
    hasBrowser: true,
    want: [],
  },
  {
    name: "Linux with nothing",
    platform: "linux",
    env: UNIX,
    files: [],
    want: [
      ["a C++ compiler", /apt-get install g\+\+.*dnf/],
      ["CMake", /cmake/],
      ["Git", /git/],
      ["curl", /curl/],
      ["ps", /procps/],
      ["a browser", /TANDEM_TEST_CHROMIUM/],
    ],
  },
  {
    name: "macOS has ps; Xcode brings the compiler",
    platform: "darwin",
    env: UNIX,
    files: ["/usr/bin/git", "/usr/bin/curl"],
    hasBrowser: true,
    want: [
      ["a C++ compiler", /xcode-select/],
      ["CMake", /brew/],
    ],
  },
  {
    name: "Windows with Visual Studio, which is on no path, and no browser, which is not needed",
    platform: "win32",
    env: WINDOWS,
    files: [
      "C:\\Program Files (x86)\\Microsoft Visual Studio\\Installer\\vswhere.exe",
      "C:\\tools\\cmake.exe",
      "C:\\tools\\git.cmd",
      "C:\\Windows\\System32\\curl.exe",
      "C:\\Windows\\System32\\powershell.exe",
    ],
    want: [],
  },
  {
    name: "Windows with nothing",
    platform: "win32",
    env: {},
    files: ["C:\\tools\\cmake.exe"],
    want: [
      ["a C++ compiler", /BuildTools/],
      ["CMake", /winget/],
      ["Git", /winget/],
      ["curl", /winget/],
      ["PowerShell", /part of Windows/],
    ],
  },
];

for (const { name, platform, env, files, hasBrowser = false, want } of rows)
  test(name, async () => {
    const machine: Machine = {
      platform,
      env,
      isExecutable: (path) => Promise.resolve(files.includes(path)),
      hasBrowser: () => Promise.resolve(hasBrowser),
    };
    const missing = await missingPrerequisites(machine);
    assert.deepEqual(
      missing.map((it) => it.what),
      want.map(([what]) => what),
    );
    for (const [at, [, install]] of want.entries()) assert.match(missing[at]?.install ?? "", install);
  });
