import { z } from "zod";
import type { EngineSpec } from "../engineSpec.ts";
import { abortError, TandemError } from "../errors.ts";
import type { ModelInfo } from "../protocol/models.ts";
import type { Address } from "./address.ts";
import { type Connection, type Reply, readShort } from "./connection.ts";
import { parseJson, readRefusal } from "./refusal.ts";
import { backOffMs } from "./retry.ts";
import { pause } from "./timing.ts";
import type { Dialect } from "./wireBody.ts";

/** Ollama's default, and the smallest of the usual servers': assuming more would lose the prompt's beginning there without a word. */
const UNKNOWN_CONTEXT_TOKENS = 4_096;
/** Servers that do not tell batch or queue by themselves. */
const UNKNOWN_SLOTS = 4;
const LOADING_POLL = { baseMs: 250, maxMs: 2_000 };
const MAX_NAMES_SHOWN = 10;
/** A gateway to a whole hub lists thousands; nobody looks through them here. */
const MAX_NAMES_KEPT = 1_000;

/** What an endpoint serves. */
export interface Attached {
  readonly dialect: Dialect;
  /** Which of its slots work can be seen: a llama-server's. */
  readonly showsSlots: boolean;
  /** As the server wants it in requests. */
  readonly modelName: string;
  readonly model: ModelInfo;
  readonly slots: number;
  /** The other models it can be asked for. */
  readonly serves: readonly string[];
}

const ServedModel = z.object({
  id: z.string(),
  aliases: z.array(z.string()).optional(),
  owned_by: z.string().nullish(),
  /** vLLM. */
  max_model_len: z.int().positive().nullish(),
  /** llama-server. */
  meta: z
    .object({
      n_ctx: z.int().positive().optional(),
      n_params: z.number().positive().optional(),
      ftype: z.string().optional(),
    })
    .nullish(),
});
type ServedModel = z.output<typeof ServedModel>;
const ModelList = z.object({ data: z.array(ServedModel) });

/** By whom a server says that its models are owned; Ollama names its library, or the user of a model that has one. */
const DIALECTS: Readonly<Record<string, Dialect>> = { vllm: "vllm", library: "ollama" };

/** llama-server's, and nobody else's: LM Studio answers 200 with an error here. */
const Props = z.object({
  default_generation_settings: z.object({ n_ctx: z.int() }),
  total_slots: z.int().positive().optional(),
  endpoint_slots: z.boolean().optional(),
  chat_template: z.string().optional(),
  model_ftype: z.string().optional(),
});
type Props = z.output<typeof Props>;

type Spec = Extract<EngineSpec, { kind: "endpoint" }>;

/** What is known beforehand of a model served under its catalogue id, or from a file of that name; null for any other. */
export type Recognise = (name: string) => Pick<ModelInfo, "promptStyle" | "isTrial"> | null;

interface AttachGiven {
  readonly connection: Connection;
  readonly address: Address;
  readonly spec: Spec;
  readonly loadingMs: number;
  readonly recognise: Recognise | undefined;
}

/** Asks the endpoint what it serves, and how. Waits while it loads its model. */
export async function attach(given: AttachGiven, signal: AbortSignal): Promise<Attached> {
  const list = await listModels(given, signal);
  const served = pickModel(list, given);
  const props = await readProps(given, served, signal);
  const isLlama = props !== null || served.owned_by === "llamacpp";
  const contextTokens = props?.default_generation_settings.n_ctx || served.meta?.n_ctx || served.max_model_len;
  const parameters = served.meta?.n_params;
  const known = given.recognise?.(labelOf(served.id)) ?? null;
  return {
    dialect: isLlama ? "llama-server" : (DIALECTS[served.owned_by ?? ""] ?? "openai"),
    showsSlots: props?.endpoint_slots === true,
    modelName: served.id,
    slots: props?.total_slots ?? (isLlama ? 1 : UNKNOWN_SLOTS),
    serves: (list ?? []).slice(0, MAX_NAMES_KEPT).flatMap(({ id }) => (id === served.id ? [] : [id])),
    model: {
      id: served.id,
      label: labelOf(served.id),
      parametersB: parameters === undefined ? null : Math.round(parameters / 1e7) / 100,
      quantisation: props?.model_ftype ?? served.meta?.ftype ?? null,
      contextTokens: contextTokens ?? UNKNOWN_CONTEXT_TOKENS,
      promptStyle: known?.promptStyle ?? (props !== null && props.chat_template === "" ? "completion" : "chat"),
      isTrial: known?.isTrial ?? false,
    },
  };
}

async function listModels(given: AttachGiven, signal: AbortSignal): Promise<readonly ServedModel[] | null> {
  const reply = await getWhenLoaded(given, `${given.address.api}/models`, signal);
  // Some gateways have no list; a name that the user gave is then believed.
  if (reply.status === 404 && given.spec.modelName !== null) return null;
  if (reply.status !== 200) throw refused(given, reply);
  const list = ModelList.safeParse(parseJson(reply.text));
  if (list.success) return list.data.data;
  throw new TandemError(
    "provider",
    `${given.address.host} answers, but not as an OpenAI-compatible server`,
    "Check the endpoint's address and port",
    { cause: list.error },
  );
}

function pickModel(served: readonly ServedModel[] | null, given: AttachGiven): ServedModel {
  const wanted = given.spec.modelName;
  if (served === null) return { id: wanted ?? "" };
  const found =
    wanted === null
      ? served[0]
      : served.find((it) => it.id === wanted || it.aliases?.includes(wanted) || it.id === `${wanted}:latest`);
  if (found !== undefined) return found;
  const { host } = given.address;
  if (served.length === 0)
    throw new TandemError("model-unavailable", `${host} serves no model`, "Load or pull a model on that server first");
  const names = served.slice(0, MAX_NAMES_SHOWN).map((it) => it.id);
  const more = served.length > names.length ? `, and ${served.length - names.length} more` : "";
  throw new TandemError(
    "model-unavailable",
    `${host} does not serve "${wanted}"; it serves: ${names.join(", ")}${more}`,
    "Set the model setting to one of these, or to auto for the first",
  );
}

async function readProps(given: AttachGiven, served: ServedModel, signal: AbortSignal): Promise<Props | null> {
  // A llama-server that routes between models answers for the one that is named.
  const url = `${given.address.root}/props?model=${encodeURIComponent(served.id)}`;
  const reply = await getWhenLoaded(given, url, signal);
  // It may offer its list of models without the key, but not this.
  if (served.owned_by === "llamacpp" && (reply.status === 401 || reply.status === 403)) throw refused(given, reply);
  const props = Props.safeParse(reply.status === 200 ? parseJson(reply.text) : undefined);
  return props.success ? props.data : null;
}

interface ShortReply extends Reply {
  readonly text: string;
}

async function getWhenLoaded(given: AttachGiven, url: string, signal: AbortSignal): Promise<ShortReply> {
  const deadline = AbortSignal.timeout(given.loadingMs);
  const both = AbortSignal.any([signal, deadline]);
  let last: ShortReply | null = null;
  try {
    for (let attempt = 1; ; attempt++) {
      const reply = await given.connection.get(url, both);
      last = { ...reply, text: await readShort(reply, both) };
      if (last.status !== 503) return last;
      await pause(backOffMs(attempt, LOADING_POLL, Math.random()), both);
    }
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    if (!deadline.aborted) throw error;
    if (last !== null) throw refused(given, last);
    throw new TandemError(
      "timeout",
      `${given.address.host} did not say what it serves in ${Math.round(given.loadingMs / 1_000)} s`,
      "Is it overloaded, or not a language model server? Look at its own log",
      { cause: error },
    );
  }
}

function refused(given: AttachGiven, reply: ShortReply): TandemError {
  const { status, text } = reply;
  return readRefusal({ status, body: text, host: given.address.host, apiKey: given.spec.apiKey }).error;
}

/** llama-server without an alias gives the file's path as the name. */
function labelOf(id: string): string {
  return id.endsWith(".gguf") ? (id.split(/[\\/]/).pop() ?? id).slice(0, -".gguf".length) : id;
}
