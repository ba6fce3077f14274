import { posix, win32 } from "node:path";
import { findChromium } from "./chromium.ts";
import { canInstallPackages, isExecutable } from "./debian.ts";

/** Something the tests need that npm cannot bring and this machine lacks. */
export interface Missing {
  readonly what: string;
  readonly neededFor: string;
  readonly install: string;
}

/** What is asked of a machine. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  isExecutable(path: string): Promise<boolean>;
  /** A browser is there, or can be had without asking anybody. */
  hasBrowser(): Promise<boolean>;
}

interface Prerequisite {
  readonly what: string;
  readonly neededFor: string;
  /** Any one of these on the path will do. */
  readonly programs: readonly string[];
  /** Or this one, which no path names: its folder's variable, and its place in it. */
  readonly elsewhere?: readonly [variable: string, path: string];
  readonly install: string;
}

const SERVER = "building the real llama-server the engine is tested against";
const SOURCE = "unpacking the source of llama-server";
const DOOR = "asking the HTTP door as it is asked from a shell";
const PROCESSES = "looking for processes that were left behind";
/** Visual Studio's own finder; CMake asks it where the compiler is. */
const VSWHERE = ["ProgramFiles(x86)", "Microsoft Visual Studio\\Installer\\vswhere.exe"] as const;

const LINUX: readonly Prerequisite[] = [
  {
    what: "a C++ compiler",
    neededFor: SERVER,
    programs: ["c++", "g++", "clang++"],
    install: "Debian, Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++; Arch: pacman -S gcc",
  },
  { what: "CMake", neededFor: SERVER, programs: ["cmake"], install: "your package manager's cmake" },
  { what: "Git", neededFor: SOURCE, programs: ["git"], install: "your package manager's git" },
  { what: "curl", neededFor: DOOR, programs: ["curl"], install: "your package manager's curl" },
  {
    what: "ps",
    neededFor: PROCESSES,
    programs: ["ps"],
    install: "Debian, Ubuntu: apt-get install procps; Fedora: dnf install procps-ng",
  },
];

const MAC: readonly Prerequisite[] = [
  { what: "a C++ compiler", neededFor: SERVER, programs: ["c++", "clang++"], install: "xcode-select --install" },
  { what: "CMake", neededFor: SERVER, programs: ["cmake"], install: "brew install cmake" },
  { what: "Git", neededFor: SOURCE, programs: ["git"], install: "xcode-select --install" },
  {
    what: "curl",
    neededFor: DOOR,
    programs: ["curl"],
    install: "it is a part of macOS: put /usr/bin back on the path",
  },
];

const WINDOWS: readonly Prerequisite[] = [
  {
    what: "a C++ compiler",
    neededFor: SERVER,
    programs: ["cl", "clang++", "g++"],
    elsewhere: VSWHERE,
    install: "winget install Microsoft.VisualStudio.2022.BuildTools, with the workload for C++",
  },
  { what: "CMake", neededFor: SERVER, programs: ["cmake"], install: "winget install Kitware.CMake" },
  { what: "Git", neededFor: SOURCE, programs: ["git"], install: "winget install Git.Git" },
  { what: "curl", neededFor: DOOR, programs: ["curl"], install: "winget install cURL.cURL" },
  {
    what: "PowerShell",
    neededFor: PROCESSES,
    programs: ["powershell"],
    install: "it is a part of Windows: put System32\\WindowsPowerShell\\v1.0 back on the path",
  },
];

const HERE: Machine = {
  platform: process.platform,
  env: process.env,
  isExecutable,
  hasBrowser: async () => (await canInstallPackages()) || (await findChromium()) !== null,
};

/** Everything that is missing, so that a run can say it all at once and before it starts. Empty: the tests can run. */
export async function missingPrerequisites(machine: Machine = HERE): Promise<Missing[]> {
  const missing: Missing[] = [];
  for (const it of prerequisitesOn(machine.platform))
    if (!(await isThere(it, machine))) missing.push({ what: it.what, neededFor: it.neededFor, install: it.install });
  // On Windows there is no VS Code to drive with it (test/steps.ts).
  if (machine.platform !== "win32" && !(await machine.hasBrowser()))
    missing.push({
      what: "a browser",
      neededFor: "driving a real VS Code",
      install:
        "Chromium, Chrome or Edge (Debian: apt-get install chromium), or set TANDEM_TEST_CHROMIUM to the program",
    });
  return missing;
}

function prerequisitesOn(platform: NodeJS.Platform): readonly Prerequisite[] {
  if (platform === "win32") return WINDOWS;
  return platform === "darwin" ? MAC : LINUX;
}

async function isThere({ programs, elsewhere }: Prerequisite, machine: Machine): Promise<boolean> {
  const { platform, env } = machine;
  const path = platform === "win32" ? win32 : posix;
  const folders = (env.PATH ?? env.Path ?? "").split(path.delimiter).filter((folder) => folder !== "");
  const names = platform === "win32" ? programs.flatMap((it) => [`${it}.exe`, `${it}.cmd`]) : programs;
  const candidates = folders.flatMap((folder) => names.map((name) => path.join(folder, name)));
  const root = elsewhere && env[elsewhere[0]];
  if (elsewhere && root) candidates.push(path.join(root, elsewhere[1]));
  for (const it of candidates) if (await machine.isExecutable(it)) return true;
  return false;
}
