import { forecast } from "../core/forecast.ts";
import { route } from "../core/route/decide.ts";
import { TandemError } from "../errors.ts";
import type { ParsedParamsOf, ResultOf } from "../protocol/define.ts";
import type { gpuHistory } from "../protocol/gpu.ts";
import type { gpuForecast, rank } from "../protocol/outlook.ts";
import type { Scheduler } from "../scheduler.ts";

/** A trend is looked for in as long a past as the future that is asked for, and in an hour at least. */
const LEAST_SECONDS = 3_600;

/** The GPUs' memory in so many hours. */
export async function forecastAll(
  { hours }: ParsedParamsOf<typeof gpuForecast>,
  history: (seconds: number) => Promise<ResultOf<typeof gpuHistory>>,
): Promise<ResultOf<typeof gpuForecast>> {
  const { gpus } = await history(Math.max(LEAST_SECONDS, Math.ceil(hours * 3_600)));
  return { gpus: gpus.map(({ uuid, name, samples }) => ({ uuid, name, ...forecast(samples, hours) })) };
}

/** As routing would have it for a simple task, for which all engines that write compete. */
export function rankEngines(
  { promptTokens, completionTokens }: ParsedParamsOf<typeof rank>,
  scheduler: Scheduler,
): ResultOf<typeof rank> {
  const engines = scheduler.snapshot();
  const made = route({ tier: "simple", isAudited: false, promptTokens, outputTokens: completionTokens, engines });
  if (made) return { candidates: [...made.candidates], why: made.why };
  throw new TandemError("not-configured", "No engine is set up", "Leave the model at auto, or give an endpoint");
}
