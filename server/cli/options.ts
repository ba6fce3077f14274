import { parseArgs } from "node:util";
import { BENCH_FLAGS } from "./bench.ts";
import { CLASSIFY_FLAGS } from "./classifyFlags.ts";
import { ESTIMATE_FLAGS } from "./estimateOptions.ts";
import { EVAL_FLAGS } from "./evalOptions.ts";
import { GENERATE_FLAGS } from "./generate.ts";
import { GET_FLAGS } from "./get.ts";
import { LOAD_FLAGS } from "./loading.ts";
import { REGISTER_FLAGS } from "./registry.ts";
import { REPLAY_FLAGS } from "./replayFlags.ts";
import { SERVE_FLAGS } from "./serve.ts";
import { SETTING_FLAGS } from "./settings.ts";
import { SIMULATE_FLAGS } from "./simulateFlags.ts";

const OPTIONS = {
  ...SETTING_FLAGS,
  ...GENERATE_FLAGS,
  ...GET_FLAGS,
  ...SERVE_FLAGS,
  ...ESTIMATE_FLAGS,
  ...REGISTER_FLAGS,
  ...BENCH_FLAGS,
  ...EVAL_FLAGS,
  ...SIMULATE_FLAGS,
  ...CLASSIFY_FLAGS,
  ...LOAD_FLAGS,
  ...REPLAY_FLAGS,
  action: { type: "string" },
  file: { type: "string" },
  range: { type: "string" },
  apply: { type: "boolean" },
  json: { type: "boolean" },
  now: { type: "boolean" },
  watch: { type: "boolean" },
  limit: { type: "string" },
  help: { type: "boolean" },
  version: { type: "boolean" },
} as const;

export type Values = ReturnType<typeof readOptions>["values"];

/** Throws what node:util says of an option there is not. */
export function readOptions(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
}

export const HELP = `tandem: coding help from your own models

  tandem run [--action A] [--file F [--range L:C-L:C]] [--apply] [--json] "instruction"
      A: docstring explain refactor fix test implement ask; without it the instruction is
      classified. Without --range the function is found by its name in the instruction.
      Without --apply the diff is only shown.
  tandem classify [--json] "instruction"
      what it would be taken for, how heavy, how surely and why; no model is asked
  tandem classify --jsonl             the same for each line of stdin: {"instruction", "code"?}
  tandem generate [--json] "prompt"   one call to the model: text on stdout, what it cost on stderr
      --temperature T --top-p P --repeat-penalty R --seed N --max-tokens N
      --stop TEXT (again for more); --role audit asks the auditor
      --raw continues the prompt as it stands instead of answering it
  tandem embed [--json] TEXT… [--file F]
      a vector for each text, and a fingerprint of what made them; --json prints all of it
  tandem embed --jsonl                the same for each line of stdin: {"text"} or a JSON string
  tandem models [--json]              what there is, what fits this machine
  tandem models pull MODEL [--json]   fetch one
  tandem register NAME --model FILE   a model of your own, for all clients
      --backend embedded|llama-server|vllm|ollama|endpoint, --url URL or --port N of its server,
      --vram GB, --context N, --role draft,audit,embed, --device D, --best-for WORDS
  tandem unregister NAME              takes it out of the list again; its file stays
  tandem config [--json]              the configuration file, and every value with where it is from
      config check [FILE] says what is wrong in it, config init writes one to begin with,
      config schema prints its JSON schema
  tandem get [--json]                 engines that can be fetched for this machine, and what is here
  tandem get cuda [--yes]             the embedded engine's build for NVIDIA's GPUs
  tandem get llama-server [--build vulkan|cuda|cpu|metal] [--yes]
                                      llama.cpp's server; sizes are told and asked about first
  tandem estimate MODEL [--ctx N] [--kv TYPE] [--json]
      the memory it would take, term by term, and whether it fits
      --gpu-layers N|all, --flash-attn on|off, --slots N, --split 3,1 (shares of several GPUs)
      --draft MODEL; TYPE: f16 q8_0 q4_0 ... or KEYS/VALUES
      MODEL: one that is downloaded, or a GGUF file
      --backend llama-server: in a server of yours instead of the engine that comes along
      --backend vllm: MODEL is a folder of safetensors; --tensor-parallel N, --memory-share 0.8
  tandem bench [MODEL ...] [--json]   load time, time to the first token, reading and writing rates,
      --prompts 128,512,2048          and requests at once, here; routing goes by what is found.
      --tokens N, --repetitions N     Others' requests go first
      --keep-loaded                   does not unload to measure loading again
  tandem bench --stored [--json]      what was measured before
  tandem eval [--limit N] [--json]    gives your models tasks with hidden tests, which then run over
                                      what they wrote; says how that is confined, and asks
      --modes draft,audit,large,small the draft alone, audited and mended, and each model alone
      --languages typescript,python,rust
      --seed N, --tasks FOLDER        another selection; tasks of your own
      --out FILE, --yes               goes on with a file of results; agrees beforehand
  tandem eval --agreement [--limit N] whether your auditor finds planted faults, and says the same
                                      of a draft part by part as of the whole; runs no code
  tandem eval show FILE [OTHER]       results again, or two runs beside each other
  tandem simulate FILE|NAME [--json]  what the memory governor would do with a trace of devices,
                                      models and requests, beside what others would; loads nothing
      --list names the traces that come with Tandem, --trace prints one to start your own from
  tandem load MODEL [--json]          load a model before anybody asks for it, and keep it while an
                                      orchestrator runs; MODEL: as \`tandem models\` or \`status\` say
      --wait SECONDS                  gives up when it has waited so long for memory
  tandem unload MODEL                 give its memory back, once its requests are done
  tandem pin MODEL                    keep it loaded when idle, whoever else wants its memory
  tandem unpin MODEL                  let it go like any other again
  tandem status [--json]              the orchestrator, its engines, who waits for what, and memory
  tandem reset [ENGINE] [--json]      let an engine that failed repeatedly have requests again now;
                                      without a name all of them
  tandem gpus [--watch] [--json]      each GPU: memory and whose it is, heat, power, clocks, and how
                                      old that is; --watch goes on until Ctrl-C
  tandem doctor [--json]              GPUs, memory, folders, what would be used and why, and what is
                                      wrong; starts nothing
  tandem decisions [--limit N] [--json]   what was decided of late, why, and how it ended
      --inputs                        as JSON, with all that each was made from
  tandem why [ID] [--json]            one decision, the newest without ID: what was compared, what
                                      the runner-up would have won by, and what became of it
  tandem replay [--limit N] [--json]  decisions made again by today's policy: what would change
      --set penaltyMs=0               by another policy (again for more; a wrong name lists all)
      --file FILE                     those of a file that \`decisions --inputs\` has written
  tandem serve [--port N]             OpenAI's API on http://127.0.0.1:8765/v1 until Ctrl-C
      --host H --tls-cert F --tls-key F   beyond this machine; or with --allow-plain instead of the
                                          two files, where you trust the network
      --allow-host NAME                   another name under which it is reached (again for more)
      --allow-origin URL                  a web page that may ask (again for more)
      TANDEM_HTTP_HOST and TANDEM_HTTP_PORT are what --host and --port are without them
  tandem key                          prints the key that this API asks for
  tandem key rotate                   makes a new one; the old one is refused from then on
  tandem lsp                          a language server on stdin and stdout, for any editor
  tandem stop [--now]                 ends the orchestrator when all requests are done, or at once
  tandem help [COMMAND]
  tandem version

Where models run (flags win over variables; see the README):

  --model M        auto, a model of the catalogue, or file:PATH of any GGUF   TANDEM_DRAFT_MODEL
  --endpoint URL   an OpenAI-compatible server instead                        TANDEM_DRAFT_ENDPOINT
                   (its key is never on a command line)                       TANDEM_DRAFT_API_KEY
  --device D       auto, cpu, cuda:0, vulkan:0, metal                         TANDEM_DRAFT_DEVICE
  --audit-model, --audit-endpoint, --audit-device: the same for the auditor   TANDEM_AUDIT_...
  --embed-model, --embed-endpoint, --embed-device: the same for vectors;      TANDEM_EMBED_...
                   unset, the draft's endpoint is asked
  --low-model, --low-endpoint, --low-device: who does simple work             TANDEM_LOW_...
  --high-model, --high-endpoint, --high-device: who does all other            TANDEM_HIGH_...
  --cloud-endpoint URL, --cloud-model M: a provider in the cloud              TANDEM_CLOUD_ENDPOINT
                   (its key is never on a command line)                       TANDEM_CLOUD_API_KEY
  --cloud T        tasks it may see: simple,moderate,complex; or never        TANDEM_CLOUD_TIERS
  --cloud-when W   fallback, first                                            TANDEM_CLOUD_WHEN
                   globs of files that stay here all the same               TANDEM_CLOUD_KEEP_LOCAL
  --llama-server F run local models in this llama-server                      TANDEM_LLAMA_SERVER
  --audit W        complex, always, never                                     TANDEM_AUDIT_WHEN
  --audit-seconds S how long a draft that is done waits for its audit         TANDEM_AUDIT_SECONDS
  --repair W       never, once: whether a flagged draft is written again      TANDEM_REPAIR
  --max-tokens N   ceiling of one draft                                       TANDEM_MAX_TOKENS
  --timeout S      ceiling of one task in seconds, at most 300                TANDEM_TIMEOUT
  --verbose        the orchestrator's log on stderr                           TANDEM_LOG_LEVEL

One orchestrator serves every window and command of a user; it leaves 10 s after the last of them
(TANDEM_GRACE_MS). Models are kept in TANDEM_CACHE, else in the user's cache folder; the HTTP key,
log and journal in TANDEM_STATE.
`;
