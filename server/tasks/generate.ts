import { throwIfAborted } from "../errors.ts";
import type { GenerateRequest } from "../ports.ts";
import type { GenerateParams, GenerateResult } from "../protocol/generate.ts";
import type { Emit } from "../slot/state.ts";
import { type Carried, carry } from "./carried.ts";
import type { RunDeps } from "./deps.ts";
import { createFailover } from "./failover.ts";
import { generator } from "./planning.ts";
import { deadlineOf, withCeiling } from "./withCeiling.ts";

/** One call to a model: the text as it comes, then what it cost. */
export async function generate(
  params: GenerateParams,
  {
    clock,
    scheduler,
    settings,
    ...deps
  }: Pick<RunDeps, "clock" | "scheduler" | "settings" | "warm" | "draw" | "note" | "log">,
  emit: Emit,
  signal: AbortSignal,
): Promise<GenerateResult> {
  const startedMs = clock.nowMs();
  const request = toRequest(params);
  const place = generator(params.role, request, { scheduler, emit, ...deps });
  const need = { use: "write", pinned: null, isRelayOnly: false } as const;
  const failover = createFailover({ scheduler, emit, need, cloud: null, work: "answers" });
  const { lease } = await failover.begin(place, signal);
  const deadlineMs = deadlineOf({ clock, settings });
  using carried = carry({ lease, failover, clock, deadlineMs, confined: "fails" });
  using ceiling = withCeiling(signal, settings);
  const { text, finish } = await stream({ request, carried, emit }, ceiling.signal);
  const { promptTokens, completionTokens, ttftMs, model, device } = carried.used();
  const tokensUsed = promptTokens + completionTokens;
  const latencyMs = clock.nowMs() - startedMs;
  return { text, promptTokens, completionTokens, tokensUsed, latencyMs, ttftMs, finish, model, device };
}

interface Streaming {
  readonly request: GenerateRequest;
  readonly carried: Carried;
  readonly emit: Emit;
}

async function stream({ request, carried, emit }: Streaming, signal: AbortSignal) {
  let text = "";
  let finish: GenerateResult["finish"] = "stop";
  for await (const piece of carried.generate(request, signal)) {
    if (piece.kind === "done") finish = piece.finish;
    if (piece.kind === "seam") emit(piece);
    if (piece.kind !== "text") continue;
    text += piece.text;
    emit({ kind: "draft", text: piece.text });
  }
  throwIfAborted(signal);
  return { text, finish };
}

function toRequest({ prompt, messages = [], role: _, ...sampling }: GenerateParams): GenerateRequest {
  const asked =
    prompt === undefined ? ({ kind: "chat", messages } as const) : ({ kind: "text", text: prompt } as const);
  return { ...sampling, prompt: asked, shape: null };
}
