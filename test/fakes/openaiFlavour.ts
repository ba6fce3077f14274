/**
 * Whose wire format the fake speaks.
 * - `llama-server`: captured from a real one (b1-de3ff81).
 * - `vllm`, `ollama`: from their documentation and from streams that people show in their issue trackers; none could be run here. vLLM's
 *   chunks carry `logprobs` and, the last, `stop_reason`; Ollama's repeat the role in each (ollama#7626) and its errors have a null code.
 * - `plain`: knows neither `/props` nor `/completion`, and says nothing of its maker.
 */
export type Flavour = "llama-server" | "vllm" | "ollama" | "plain";

const CREATED_S = 1_795_257_422;

export function modelsBody(given: { flavour: Flavour; models: readonly string[]; contextTokens: number }) {
  const { flavour, models, contextTokens } = given;
  return { object: "list", data: models.map((id) => ({ id, object: "model", created: CREATED_S, ...ownFields() })) };
  function ownFields(): object {
    switch (flavour) {
      case "llama-server":
        return { owned_by: "fake", meta: { n_ctx: contextTokens, n_params: 1_100_048_384 } };
      case "vllm":
        return { owned_by: "vllm", root: models[0], parent: null, max_model_len: contextTokens, permission: [] };
      case "ollama":
        return { owned_by: "library" };
      case "plain":
        return { owned_by: "fake" };
    }
  }
}

/** llama-server's shape of an event, or of a whole answer, in another's. */
export function inFlavour(flavour: Flavour, body: object): object {
  if (flavour === "llama-server" || flavour === "plain") return body;
  const { timings: _, system_fingerprint: __, ...common } = body as Record<string, unknown>;
  const choices = Array.isArray(common.choices) ? common.choices.map((it) => choiceOf(flavour, it)) : common.choices;
  return flavour === "vllm"
    ? { ...common, choices, id: "chatcmpl-a0e8d16d47a64de58a0a3083e18d432a" }
    : { ...common, choices, id: "chatcmpl-123", system_fingerprint: "fp_ollama" };
}

function choiceOf(flavour: "vllm" | "ollama", choice: Record<string, unknown>): object {
  const delta = choice.delta as Record<string, unknown> | undefined;
  const isLast = choice.finish_reason !== null;
  if (flavour === "vllm") {
    const own = delta && {
      delta: delta.content === null ? { ...delta, content: "" } : isLast ? { content: "" } : delta,
    };
    return { ...choice, ...own, logprobs: null, ...(isLast ? { stop_reason: null } : {}) };
  }
  const { logprobs: _, ...others } = choice;
  return { ...others, ...(delta && { delta: { role: "assistant", content: "", ...delta } }) };
}

/** A refusal as each words it. */
export function errorBody(status: number, message: string, type: string, more: object = {}) {
  return { error: { code: status, message, type, ...more } };
}

export function errorIn(flavour: Flavour, status: number, message: string): object {
  if (flavour === "vllm") return { error: { message, type: "InternalServerError", param: null, code: status } };
  if (flavour === "ollama") return { error: { message, type: "api_error", param: null, code: null } };
  return errorBody(status, message, "server_error");
}
