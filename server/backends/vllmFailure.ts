import type { VllmSpec } from "../engineSpec.ts";
import { TandemError } from "../errors.ts";
import type { ErrorCode } from "../protocol/errors.ts";

const MAX_WORDS_CHARS = 400;

interface Meaning {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly what: string;
  readonly nextStep: string;
}

/** What vLLM, PyTorch and the hub's client say when they give up, from their sources and issues; the first that matches counts. */
const MEANINGS: readonly Meaning[] = [
  {
    pattern: /GatedRepoError|gated repo|access to (it|model \S+) is restricted|401 Client Error|403 Client Error/i,
    code: "model-unavailable",
    what: "the hub does not give it to you",
    nextStep: "Ask for access on the model's page, and set HF_TOKEN to a token of yours",
  },
  {
    pattern:
      /RepositoryNotFoundError|is not a local folder and is not a valid model identifier|Repo id must be in the form/i,
    code: "model-unavailable",
    what: "there is no such model",
    nextStep: "Correct its name (owner/name as on the hub, or a folder); a private one needs HF_TOKEN",
  },
  {
    pattern: /couldn't connect to ['"]?https?:|LocalEntryNotFoundError|Max retries exceeded|offline mode is enabled/i,
    code: "model-unavailable",
    what: "it is not on this machine, and the hub cannot be reached",
    nextStep: "Fetch it when the network is there (`hf download`), or name its folder",
  },
  {
    pattern: /trust_remote_code|requires you to execute the configuration file/i,
    code: "not-configured",
    what: "it comes with code of its own, which Tandem does not run unasked",
    nextStep:
      "Choose another model; or, if you trust its makers, put --trust-remote-code among the model's extraArguments",
  },
  {
    pattern: /larger than the (available KV cache memory|maximum number of tokens that can be stored in KV cache)/i,
    code: "no-memory",
    what: "its context does not fit beside it",
    nextStep: "Give it fewer contextTokens, a larger memoryShare, or more cards",
  },
  {
    pattern: /less than desired GPU memory utilization|No available memory for the cache blocks/i,
    code: "no-memory",
    what: "the card has not that much free",
    nextStep: "Close what else is on the card, or set a smaller memoryShare",
  },
  {
    pattern: /out of memory|OutOfMemoryError/i,
    code: "no-memory",
    what: "it does not fit on the card",
    nextStep: "Choose a smaller or quantised model, fewer contextTokens, or more cards",
  },
  {
    pattern: /only supported on GPUs with compute capability|Minimum capability|no kernel image is available/i,
    code: "not-configured",
    what: "this GPU is too old for how it is to be run",
    nextStep: "Put --dtype half among its extraArguments, choose another quantisation, or use llama-server",
  },
  {
    pattern:
      /Model architectures \[.*\] (are not supported|failed to be inspected)|does not appear to have a file named config\.json/i,
    code: "model-unavailable",
    what: "vLLM does not know this kind of model",
    nextStep: "Update vLLM, or use the model's GGUF with llama-server",
  },
  {
    pattern:
      /NVIDIA driver on your system is too old|Found no NVIDIA driver|Failed to infer device type|No CUDA GPUs are available/i,
    code: "not-configured",
    what: "it finds no GPU that it can use",
    nextStep: "Run `tandem doctor`; update the driver, or look at what the container was given",
  },
];

const ANY_ERROR = /^.*\b(\w*Error|error:)\b.*$/gim;

/** A vLLM that ended before it answered: what its words mean, and the line that says so. */
export function endedWhileStarting(spec: VllmSpec, { words, how }: { words: string; how: string }): TandemError {
  const { label } = spec.model;
  for (const { pattern, code, what, nextStep } of MEANINGS) {
    const line = words.split(/\r?\n/).find((it) => pattern.test(it));
    if (line !== undefined)
      return new TandemError(code, `vLLM cannot run ${label}: ${what} (${plain(line)})`, nextStep);
  }
  if (how === "signal SIGKILL")
    return new TandemError(
      "no-memory",
      `vLLM was killed while it loaded ${label}, which is what the system does when main memory runs out`,
      "Close other programs, or choose a smaller model",
    );
  const said = plain([...words.matchAll(ANY_ERROR)].at(-1)?.[0] ?? "");
  return new TandemError(
    "provider",
    `vLLM ended before it was ready (${how})${said === "" ? "" : `: ${said}`}`,
    "Start it by hand with the same model and look what it says",
  );
}

/** Without the process, level, time and file that vLLM puts in front. */
function plain(line: string): string {
  return line
    .replace(/^\([^)]*\)\s*/, "")
    .replace(/^(INFO|WARNING|ERROR) [\d-]+ [\d:]+ (\[[^\]]*\]\s*)?/, "")
    .trim()
    .slice(0, MAX_WORDS_CHARS);
}
