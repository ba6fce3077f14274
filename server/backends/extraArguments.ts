import { TandemError } from "../errors.ts";

/** A server's flags that Tandem sets itself, each with why the user cannot: by them it finds, guards and proves its server. */
export type OwnFlags = ReadonlyMap<string, string>;

const ADDRESS = "Tandem chooses the address, so that nobody but itself reaches the server";
const KEY = "Tandem makes the key, and gives it by the environment";
const MODEL = "the model is what the engine was chosen for";
const PLACE = "Tandem chooses the GPUs and checks that the server is there; set the model's devices instead";
const OPTION = "it is an option of the model";
const OTHER_DUTY = "the server would do something else than serve this model";

/** llama-server's (`llama-server --help`). */
export const LLAMA_SERVER_FLAGS: OwnFlags = new Map([
  ...flags(ADDRESS, "--host", "--port", "--reuse-port", "--api-prefix", "--ssl-key-file", "--ssl-cert-file"),
  ...flags(KEY, "--api-key", "--api-key-file"),
  ...flags(MODEL, "-m", "--model", "-a", "--alias", "-mu", "--model-url", "-dr", "--docker-repo"),
  ...flags(MODEL, "-hf", "-hfr", "--hf-repo", "-hff", "--hf-file", "-hfv", "--models-dir", "--models-preset"),
  ...flags(PLACE, "-dev", "--device", "-sm", "--split-mode", "-ts", "--tensor-split", "-mg", "--main-gpu"),
  ...flags(OPTION, "-c", "--ctx-size", "-np", "--parallel", "-ctk", "--cache-type-k", "-ctv", "--cache-type-v"),
  ...flags(OPTION, "-fa", "--flash-attn", "-ngl", "--gpu-layers", "--n-gpu-layers"),
  ...flags(OTHER_DUTY, "-h", "--help", "--usage", "--version", "--list-devices", "-cl", "--cache-list"),
  ...flags("idle models are unloaded by Tandem, which would not hear of it", "--sleep-idle-seconds"),
]);

/** vLLM's (`vllm serve --help`). */
export const VLLM_FLAGS: OwnFlags = new Map([
  ...flags(ADDRESS, "--host", "--port", "--uds", "--root-path", "--ssl-keyfile", "--ssl-certfile"),
  ...flags(KEY, "--api-key"),
  ...flags(MODEL, "--model", "--served-model-name"),
  ...flags(OPTION, "--gpu-memory-utilization", "--max-model-len", "--quantization", "-q"),
  ...flags(PLACE, "--tensor-parallel-size", "-tp", "--data-parallel-size", "-dp", "--pipeline-parallel-size", "-pp"),
  ...flags(PLACE, "--device-ids"),
  ...flags(OTHER_DUTY, "-h", "--help", "--config", "--headless"),
]);

/**
 * The user's own arguments, as they are. Throws TandemError not-configured for one that Tandem sets itself.
 * vLLM takes `--flag=value` and underlines for dashes, so these are looked through.
 */
export function checkedArguments(extra: readonly string[], own: OwnFlags): readonly string[] {
  for (const it of extra) {
    if (!it.startsWith("-")) continue;
    const [name = it] = it.split("=", 1);
    const why = own.get(name) ?? own.get(name.replaceAll("_", "-"));
    if (why === undefined) continue;
    throw new TandemError(
      "not-configured",
      `The extra argument ${name} cannot be given: ${why}`,
      `Take ${name} out of extraArguments`,
    );
  }
  return extra;
}

function flags(why: string, ...names: readonly string[]): [string, string][] {
  return names.map((name) => [name, why]);
}
