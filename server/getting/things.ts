import { ENGINE_FOLDER, ENGINE_VERSION } from "./engineFolder.ts";

/** One file that is fetched and unpacked. */
export interface Download {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly kind: "tar.gz" | "zip";
  /** What the files inside all lie in, which is left out. */
  readonly top: string;
  /** Where it comes from: a page's address, or a package of the npm registry that the user has set. */
  readonly from:
    | { readonly kind: "url"; readonly url: string }
    | {
        readonly kind: "npm";
        readonly name: string;
        readonly version: string;
        /** Base64, as in the registry's own document: which must say the same. */
        readonly sha512: string;
      };
  /** Its folder, below the thing's. */
  readonly folder: string;
}

/** A build that can be fetched for one kind of machine. */
export interface Thing {
  readonly id: "cuda" | "llama-server";
  /** "cuda", "vulkan", "metal", "cpu": `tandem get llama-server --build vulkan`. */
  readonly build: "cuda" | "vulkan" | "metal" | "cpu";
  readonly platform: `${"linux" | "win32" | "darwin"}-${"x64" | "arm64"}`;
  readonly title: string;
  readonly source: string;
  readonly licence: string;
  readonly downloads: readonly Download[];
  /** Of all files, unpacked. */
  readonly unpackedBytes: number;
  /** Its folder in the cache. Names the version, so that another one does not overwrite what runs. */
  readonly folder: string;
  /** The program in it; null: a part of the embedded engine. */
  readonly program: string | null;
}

const RELEASE = "b10068";
const RELEASES = `https://github.com/ggml-org/llama.cpp/releases/download/${RELEASE}`;

/** Hashes are those of the registry's document, and of the files it gave on the day they were written down here. */
function enginePackage(
  name: string,
  file: Omit<Download, "kind" | "top" | "from" | "folder"> & { sha512: string },
): Download {
  const { bytes, sha256, sha512 } = file;
  const from = { kind: "npm", name: `@node-llama-cpp/${name}`, version: ENGINE_VERSION, sha512 } as const;
  return { bytes, sha256, kind: "tar.gz", top: "package", from, folder: name };
}

/** llama.cpp states no hashes of its own: these stand alike in the sources of at least two projects that have nothing to do with each other. */
function release(name: string, bytes: number, sha256: string): Download {
  const kind = name.endsWith(".zip") ? "zip" : "tar.gz";
  const from = { kind: "url", url: `${RELEASES}/${name}` } as const;
  return { bytes, sha256, kind, top: kind === "zip" ? "" : `llama-${RELEASE}`, from, folder: "" };
}

function engine(platform: Thing["platform"], downloads: readonly Download[], unpackedBytes: number): Thing {
  return {
    id: "cuda",
    build: "cuda",
    platform,
    title: "CUDA for the embedded engine",
    source: "the npm registry",
    licence: "MIT",
    downloads,
    unpackedBytes,
    folder: ENGINE_FOLDER,
    program: null,
  };
}

function server(
  platform: Thing["platform"],
  build: Thing["build"],
  given: { readonly downloads: readonly Download[]; readonly unpackedBytes: number },
): Thing {
  return {
    id: "llama-server",
    build,
    platform,
    title: `llama-server ${RELEASE} (${TITLES[build]})`,
    source: "github.com/ggml-org/llama.cpp",
    licence: build === "cuda" ? "MIT; CUDA's libraries: NVIDIA's licence" : "MIT",
    ...given,
    folder: `llama-server-${RELEASE}-${build}`,
    program: platform.startsWith("win32") ? "llama-server.exe" : "llama-server",
  };
}

const TITLES = { cuda: "CUDA 12", vulkan: "Vulkan: every make of GPU", metal: "Metal", cpu: "processor" } as const;

/** For each platform and kind of thing the best first. */
export const THINGS: readonly Thing[] = [
  engine(
    "linux-x64",
    [
      enginePackage("linux-x64-cuda", {
        bytes: 142_850_036,
        sha256: "499b4012541cb3e01b3d35e18e7dd2dc546174979494b02dbcc0a6667ed6b7d9",
        sha512: "idsE55VoD/FbvLhnBC9krUJaUoC0XnebseAAnCpm/brKf61HEbu+idgbb5eN6mxkjLSrHtILprJ0nDcUJjVrFg==",
      }),
      enginePackage("linux-x64-cuda-ext", {
        bytes: 176_679_086,
        sha256: "f0129449651b4521254d69876778563be8b5c87b27c76abf122eb66ad208aa1f",
        sha512: "1PuURowccBcks3CCoMe1mTHh5vD0V5bFHMUEgtbI/OSDjpP+Pdbn+lf42CGUrepTzR8kCH1HovQ7d8q6/vuIKA==",
      }),
    ],
    562_891_833,
  ),
  engine(
    "win32-x64",
    [
      enginePackage("win-x64-cuda", {
        bytes: 138_542_727,
        sha256: "7824fb3d391d32194f3ee537d70ab3e334030cca71a85b855c368f36b251dc83",
        sha512: "PLz70neFEMkQTlmJqG1ujUtCSgHasLPMxQ9rLkqQVmZYAXqkRj+45TIHCjdn3XqUeaoun0vrO9rRaxZ8NVq9jg==",
      }),
      enginePackage("win-x64-cuda-ext", {
        bytes: 175_417_684,
        sha256: "db173b0a095b0c297549c74dd8963eb7127e84b1629c0e4ce9ee4f653f6f9f82",
        sha512: "L2MxLVEYPDDe4O8EDWPmX6brldc9+Vt9hNoT/anj3pSnmrjkQcmaoKhHs6oP5qhEhb5Uog0rj6lgzNGtJO3p9Q==",
      }),
    ],
    543_359_488,
  ),
  server("linux-x64", "vulkan", {
    downloads: [
      release(
        "llama-b10068-bin-ubuntu-vulkan-x64.tar.gz",
        32_028_597,
        "713641920dce6c8efb953ebc9ffa309977e200cec5e182e6ad0e8b086203cdc3",
      ),
    ],
    unpackedBytes: 120_000_000,
  }),
  server("linux-x64", "cpu", {
    downloads: [
      release(
        "llama-b10068-bin-ubuntu-x64.tar.gz",
        16_066_558,
        "6bf3d20de562e4df230f1a7c54fb7a06a80c7ff40f5311c953e8255744be4eb2",
      ),
    ],
    unpackedBytes: 60_000_000,
  }),
  server("linux-arm64", "vulkan", {
    downloads: [
      release(
        "llama-b10068-bin-ubuntu-vulkan-arm64.tar.gz",
        26_119_233,
        "c3c49e6e124a574165ca28317be021b1a12a2ea06977e3eb7daee3eb443eb186",
      ),
    ],
    unpackedBytes: 100_000_000,
  }),
  server("darwin-arm64", "metal", {
    downloads: [
      release(
        "llama-b10068-bin-macos-arm64.tar.gz",
        10_603_591,
        "13aa2d40c76ad1dcb8ebeec5f0d2814bf3b2f84a66935c7d4dc6f7cca8e38d68",
      ),
    ],
    unpackedBytes: 50_000_000,
  }),
  server("darwin-x64", "cpu", {
    downloads: [
      release(
        "llama-b10068-bin-macos-x64.tar.gz",
        10_876_051,
        "73a63a0fdcfd8d0625fe20aa8f2af62e3d6437c6380b46129ca1a9abacbde0d5",
      ),
    ],
    unpackedBytes: 50_000_000,
  }),
  server("win32-x64", "vulkan", {
    downloads: [
      release(
        "llama-b10068-bin-win-vulkan-x64.zip",
        33_271_704,
        "4f3e6fd215fdf22d2fd6232a5501f9e791a93d9193db4faf59e391eff90f6169",
      ),
    ],
    unpackedBytes: 130_000_000,
  }),
  server("win32-x64", "cuda", {
    downloads: [
      release(
        "llama-b10068-bin-win-cuda-12.4-x64.zip",
        249_038_576,
        "a249fb8d3f072d2746e8bd93af3f901eadaff7dedc7ff27a415af488da2d8411",
      ),
      release(
        "cudart-llama-bin-win-cuda-12.4-x64.zip",
        391_443_627,
        "8c79a9b226de4b3cacfd1f83d24f962d0773be79f1e7b75c6af4ded7e32ae1d6",
      ),
    ],
    unpackedBytes: 1_300_000_000,
  }),
  server("win32-x64", "cpu", {
    downloads: [
      release(
        "llama-b10068-bin-win-cpu-x64.zip",
        18_007_324,
        "01d5f30876acfb4a0be59396710f450213495c7181d8fbcce2fad045835ceb89",
      ),
    ],
    unpackedBytes: 60_000_000,
  }),
];

/** What is to be had by other means, on the platforms where it runs. */
export const ELSEWHERE: readonly {
  readonly id: string;
  readonly what: string;
  readonly how: Partial<Record<NodeJS.Platform, string>>;
}[] = [
  {
    id: "vllm",
    what: "many requests at once on NVIDIA's and AMD's GPUs",
    how: {
      linux: "uv venv ~/vllm --python 3.12 && uv pip install --python ~/vllm vllm --torch-backend=auto",
      win32: "vLLM does not run on Windows: install it in WSL, start it there, and set its address as endpoint",
    },
  },
  {
    id: "ollama",
    what: "its own models; Tandem attaches to it when it runs",
    how: {
      linux: "see https://ollama.com/download/linux",
      darwin: "brew install ollama",
      win32: "winget install Ollama.Ollama",
    },
  },
  {
    id: "llama.cpp",
    what: "newer than what Tandem pins, kept up to date by your system",
    how: { linux: "brew install llama.cpp", darwin: "brew install llama.cpp", win32: "winget install llama.cpp" },
  },
];
