import { delimiter, join } from "node:path";
import { findChromium } from "./chromium.ts";
import { canInstallPackages, isExecutable } from "./debian.ts";

/** Something the tests need that npm cannot bring and this machine lacks. */
export interface Missing {
  readonly what: string;
  readonly neededFor: string;
  readonly install: string;
}

interface Prerequisite extends Missing {
  /** Any one of these on the path will do. */
  readonly programs: readonly string[];
}

const PREREQUISITES: readonly Prerequisite[] = [
  {
    what: "a C++ compiler",
    programs: ["c++", "g++", "clang++"],
    neededFor: "building the real llama-server the engine is tested against",
    install: "Debian: apt-get install g++; macOS: xcode-select --install",
  },
  {
    what: "CMake",
    programs: ["cmake"],
    neededFor: "building the real llama-server the engine is tested against",
    install: "Debian: apt-get install cmake; macOS: brew install cmake",
  },
  {
    what: "Git",
    programs: ["git"],
    neededFor: "unpacking the source of llama-server",
    install: "Debian: apt-get install git; macOS: xcode-select --install",
  },
  {
    what: "ps",
    programs: ["ps"],
    neededFor: "looking for processes that were left behind",
    install: "Debian: apt-get install procps",
  },
];

/** Everything that is missing, so that a run can say it all at once and before it starts. Empty: the tests can run. */
export async function missingPrerequisites(): Promise<Missing[]> {
  const missing: Missing[] = [];
  for (const { programs, ...rest } of PREREQUISITES) if (!(await isOnPath(programs))) missing.push(rest);
  if (!(await findChromium()) && !(await canInstallPackages()))
    missing.push({
      what: "a browser",
      neededFor: "driving a real VS Code",
      install:
        "Chromium, Chrome or Edge (Debian: apt-get install chromium), or set TANDEM_TEST_CHROMIUM to the program",
    });
  return missing;
}

async function isOnPath(programs: readonly string[]): Promise<boolean> {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const folder of folders)
    for (const program of programs) if (await isExecutable(join(folder, program))) return true;
  return false;
}
