import type { Gpu } from "../engine/wire.ts";
import { TandemError } from "../errors.ts";

/** What ties an engine's process to one device. */
export interface Pin {
  readonly gpu: Gpu;
  /** Laid over the child's environment: llama.cpp has no other way to choose a device. */
  readonly env: Readonly<Record<string, string>>;
}

/** "none such": every value that is no index hides all devices (CUDA programming guide, environment variables). */
const NO_CUDA = "-1";

/**
 * From "cpu", "auto", "metal", "cuda:0", "vulkan:1" or "gpu:0" (whichever build there is). CUDA numbers devices by speed unless told
 * to go by slot, which is how `nvidia-smi` numbers them.
 */
export function pinTo(device: string): Pin {
  const [kind, index = ""] = device.split(":");
  const cuda = (visible: string) => ({
    CUDA_DEVICE_ORDER: "PCI_BUS_ID",
    CUDA_VISIBLE_DEVICES: visible,
    HIP_VISIBLE_DEVICES: visible,
    ROCR_VISIBLE_DEVICES: visible,
  });
  switch (kind) {
    case "cpu":
      return { gpu: "none", env: cuda(NO_CUDA) };
    case "metal":
      return { gpu: "metal", env: {} };
    case "auto":
      return { gpu: "auto", env: {} };
    case "cuda":
      return { gpu: "cuda", env: cuda(index) };
    case "vulkan":
      return { gpu: "vulkan", env: { ...cuda(NO_CUDA), GGML_VK_VISIBLE_DEVICES: index } };
    case "gpu":
      return { gpu: "auto", env: { ...cuda(index), GGML_VK_VISIBLE_DEVICES: index } };
    default:
      throw new TandemError(
        "not-configured",
        `There is no device "${device}"`,
        'Use "auto", "cpu", "metal", "cuda:0", "vulkan:1" …',
      );
  }
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
