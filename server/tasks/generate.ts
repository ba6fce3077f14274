import { TandemError, throwIfAborted } from "../errors.ts";
import type { GenerateRequest } from "../ports.ts";
import type { GenerateParams, GenerateResult } from "../protocol/generate.ts";
import type { Lease } from "../slot/lease.ts";
import type { Emit } from "../slot/state.ts";
import type { RunDeps } from "./deps.ts";
import { createMeter } from "./meter.ts";
import { generator } from "./planning.ts";
import { withCeiling } from "./withCeiling.ts";

/** One call to a model: the text as it comes, then what it cost. */
export async function generate(
  params: GenerateParams,
  { clock, scheduler, settings, ...deps }: Pick<RunDeps, "clock" | "scheduler" | "settings" | "warm" | "draw">,
  emit: Emit,
  signal: AbortSignal,
): Promise<GenerateResult> {
  const startedMs = clock.nowMs();
  const request = toRequest(params);
  const place = generator(params.role, request, { scheduler, ...deps });
  if (place === null)
    throw new TandemError("not-configured", `No engine is set up for ${params.role}`, "Check the settings");
  using lease = await scheduler.acquire(place, emit, signal);
  const meter = createMeter(lease, clock);
  const { text, finish } = await stream({ request, lease, meter, emit }, withCeiling(signal, settings));
  const { promptTokens, completionTokens, ttftMs, model, device } = meter.finish();
  const tokensUsed = promptTokens + completionTokens;
  const latencyMs = clock.nowMs() - startedMs;
  return { text, promptTokens, completionTokens, tokensUsed, latencyMs, ttftMs, finish, model, device };
}

interface Streaming {
  readonly request: GenerateRequest;
  readonly lease: Lease;
  readonly meter: ReturnType<typeof createMeter>;
  readonly emit: Emit;
}

async function stream({ request, lease, meter, emit }: Streaming, signal: AbortSignal) {
  let text = "";
  let finish: GenerateResult["finish"] = "stop";
  try {
    for await (const piece of lease.engine.generate(request, signal)) {
      meter.see(piece);
      if (piece.kind === "done") finish = piece.finish;
      else {
        text += piece.text;
        emit({ kind: "draft", text: piece.text });
      }
    }
  } catch (error) {
    if (!signal.aborted) lease.reportFailure(error);
    throw error;
  }
  throwIfAborted(signal);
  return { text, finish };
}

function toRequest({ prompt, messages = [], role: _, ...sampling }: GenerateParams): GenerateRequest {
  const asked =
    prompt === undefined ? ({ kind: "chat", messages } as const) : ({ kind: "text", text: prompt } as const);
  return { ...sampling, prompt: asked, shape: null };
}
