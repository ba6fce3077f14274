import type { LoadOptions } from "../engineSpec.ts";

/** Where nobody says anything else: one request at a time, whole numbers, and what the engine thinks best. */
export const DEFAULT_OPTIONS: LoadOptions = {
  slots: 1,
  keyType: "f16",
  valueType: "f16",
  flashAttention: "auto",
  gpuLayers: "auto",
  extraArguments: [],
};
