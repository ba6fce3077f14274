import { readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

/** What the embedded engine's CUDA builds are linked with, and do not bring along: either pair will do. */
export const CUDA_RUNTIMES = {
  linux: [
    ["libcudart.so.13", "libcublas.so.13"],
    ["libcudart.so.12", "libcublas.so.12"],
  ],
  win32: [
    ["cudart64_13.dll", "cublas64_13.dll"],
    ["cudart64_12.dll", "cublas64_12.dll"],
  ],
} as const;

/** How the libraries are got where they are missing. */
export const RUNTIME_STEPS = {
  linux:
    "Install NVIDIA's CUDA runtime, for example `sudo apt install libcudart12 libcublas12` (Debian, Ubuntu) or `sudo apt install cuda-libraries-13-0` from NVIDIA's own repository",
  win32: "Install NVIDIA's CUDA Toolkit, for example `winget install Nvidia.CUDA`",
} as const;

/** The pair of libraries that is on this machine; null: none, and CUDA cannot be used. */
export async function findCudaRuntime(platform: "linux" | "win32", env: Env): Promise<readonly string[] | null> {
  const folders = platform === "linux" ? linuxFolders(env, await versions("/usr/local")) : windowsFolders(env);
  const listed = await Promise.all([...new Set(folders)].map((it) => readdir(it).catch(() => [])));
  const files = new Set(listed.flat().map((it) => it.toLowerCase()));
  return CUDA_RUNTIMES[platform].find((pair) => pair.every((it) => files.has(it))) ?? null;
}

/** Where a loader looks: its variable, the system's folders, and those that NVIDIA's packages tell it of. */
function linuxFolders(env: Env, versions: readonly string[]): string[] {
  const own = (env.LD_LIBRARY_PATH ?? "").split(":").filter((it) => it.startsWith("/"));
  const system = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64", "/usr/local/lib", "/opt/cuda/lib64"];
  return [...own, ...system, ...versions.flatMap((it) => [join(it, "lib64"), join(it, "targets/x86_64-linux/lib")])];
}

function windowsFolders(env: Env): string[] {
  const path = Object.entries(env).find(([name]) => name.toLowerCase() === "path")?.[1] ?? "";
  const toolkits = Object.entries(env).filter(([name]) => /^CUDA_PATH/i.test(name));
  return [
    ...path.split(delimiter).filter((it) => it !== ""),
    ...toolkits.flatMap(([, it]) => (it === undefined ? [] : [join(it, "bin"), join(it, "bin", "x64")])),
  ];
}

async function versions(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((it) => /^cuda(-\d+(\.\d+)?)?$/.test(it)).map((it) => join(folder, it));
}
