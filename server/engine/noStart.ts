import { TandemError } from "../errors.ts";
import type { Gpu } from "./wire.ts";

const NAMES: Readonly<Record<Gpu, string>> = {
  auto: "any device",
  none: "the processor",
  cuda: "CUDA",
  vulkan: "Vulkan",
  metal: "Metal",
};

const NEXT: Readonly<Record<Gpu, string>> = {
  auto: "Use an endpoint instead: set tandem.draft.endpoint",
  none: "Use an endpoint instead: set tandem.draft.endpoint",
  cuda: 'Run `tandem get cuda`, which says what else it needs, or set the device to "auto"',
  vulkan: 'Install the GPU\'s Vulkan driver, or set the device to "auto" or "cpu"',
  metal: 'Set the device to "auto" or "cpu": Metal is there on Macs only',
};

/** Why llama.cpp cannot be started for this kind of device, in words that are not its library's. */
export function noStart(gpu: Gpu, cause: unknown): TandemError {
  const said = cause instanceof Error ? cause.message : String(cause);
  const why = said === "NoBinaryFoundError" ? "no build of it that is here works with this machine's drivers" : said;
  return new TandemError("not-configured", `The engine cannot start on ${NAMES[gpu]}: ${why}`, NEXT[gpu], { cause });
}
