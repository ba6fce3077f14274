import type { Gpu } from "../engine/wire.ts";
import type { LocalSpec } from "../engineSpec.ts";
import { TandemError } from "../errors.ts";

/** What ties an engine's process to one device. */
export interface Pin {
  readonly gpu: Gpu;
  /** Laid over the child's environment: llama.cpp has no other way to choose a device. */
  readonly env: Readonly<Record<string, string>>;
}

/** "none such": every value that is no index hides all devices (CUDA programming guide, environment variables). */
const NONE = "-1";

/** Where a model is to run: the given cards, else as `device` says. Throws TandemError not-configured. */
export function pinFor({ device, cards }: Pick<LocalSpec, "device" | "cards">): Pin {
  return cards.length === 0 ? pinTo(device) : pinToCards(cards, apiOf(device));
}

/**
 * From "cpu", "auto", "metal", "cuda:0", "vulkan:1" or "gpu:0" (whichever build there is). CUDA numbers devices by speed unless told
 * to go by slot, which is how `nvidia-smi` numbers them.
 */
export function pinTo(device: string): Pin {
  const [kind, index = ""] = device.split(":");
  switch (kind) {
    case "cpu":
      return { gpu: "none", env: { ...cuda(NONE), ...rocm(NONE) } };
    case "metal":
      return { gpu: "metal", env: {} };
    case "auto":
      return { gpu: "auto", env: {} };
    case "cuda":
      return { gpu: "cuda", env: { ...cuda(index), HIP_VISIBLE_DEVICES: index } };
    case "vulkan":
      return { gpu: "vulkan", env: { ...cuda(NONE), ...rocm(NONE), GGML_VK_VISIBLE_DEVICES: index } };
    case "gpu":
      return {
        gpu: "auto",
        env: { ...cuda(index), HIP_VISIBLE_DEVICES: index, GGML_VK_VISIBLE_DEVICES: index },
      };
    default:
      throw new TandemError(
        "not-configured",
        `There is no device "${device}"`,
        'Use "auto", "cpu", "metal", "cuda:0", "vulkan:1" …',
      );
  }
}

/**
 * To cards by what names them for good: CUDA takes UUIDs of GPUs and of their instances ("GPU-…", "MIG-…"), so no order of theirs can
 * be misread. The other makes' variables hide everything. Vulkan and ROCm know numbers only, and these are their own: here they are
 * as the driver's tool counts, which who starts the engine has to check (`listDevices`, `judgePlacement`).
 */
function pinToCards(cards: LocalSpec["cards"], api: Gpu): Pin {
  const [first, ...others] = cards;
  const unlike = others.find((it) => it.vendor !== first?.vendor);
  if (first === undefined || unlike !== undefined)
    throw new TandemError(
      "not-configured",
      `One model cannot be on cards of two makes (${cards.map((it) => `${it.vendor} ${it.uuid}`).join(", ")})`,
      "Name cards of one make",
    );
  const numbers = cards.map((it) => it.index).join(",");
  switch (first.vendor) {
    case "apple":
      return { gpu: "metal", env: {} };
    case "nvidia":
      if (api === "vulkan")
        return { gpu: "vulkan", env: { ...cuda(NONE), ...rocm(NONE), GGML_VK_VISIBLE_DEVICES: numbers } };
      return {
        gpu: api === "cuda" ? "cuda" : "auto",
        env: { ...cuda(cards.map((it) => it.uuid).join(",")), ...rocm(NONE), GGML_VK_VISIBLE_DEVICES: numbers },
      };
    case "amd":
      return {
        gpu: api === "vulkan" ? "vulkan" : "auto",
        env: { ...cuda(NONE), HIP_VISIBLE_DEVICES: numbers, GGML_VK_VISIBLE_DEVICES: numbers },
      };
  }
}

function cuda(visible: string): Record<string, string> {
  return { CUDA_DEVICE_ORDER: "PCI_BUS_ID", CUDA_VISIBLE_DEVICES: visible };
}

/** For hiding only: they renumber one after the other, so a device is chosen by the second alone. */
function rocm(visible: string): Record<string, string> {
  return { HIP_VISIBLE_DEVICES: visible, ROCR_VISIBLE_DEVICES: visible };
}

function apiOf(device: string): Gpu {
  return pinTo(device).gpu;
}

/** Variables that would change what the child is or does: debuggers, loaders, the editor's own; and ours, keys of endpoints among them. */
const FOREIGN = /^(TANDEM_|NODE_|VSCODE_|ELECTRON_|npm_|BUN_|TSX_)/i;

/** The environment of an engine child: the user's, so that loaders and drivers are found, without what is meant for this process. */
export function childEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  given: { isElectron: boolean; pin: Pin },
): Record<string, string> {
  const kept = Object.entries(own).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !FOREIGN.test(entry[0]),
  );
  // Without this the editor's own binary would open a window.
  const node = given.isElectron ? { ELECTRON_RUN_AS_NODE: "1" } : {};
  return { ...Object.fromEntries(kept), ...node, ...given.pin.env };
}
