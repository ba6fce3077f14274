import { z } from "zod";
import { request } from "./define.ts";

/** What is wrong with this machine or this set-up, and what to do about it. */
export const Problem = z.object({
  /** `error`: something does not work at all. */
  weight: z.enum(["error", "warning"]),
  what: z.string(),
  nextStep: z.string(),
});
export type Problem = z.output<typeof Problem>;

/** What `tandem doctor` finds, by the settings of whoever asks: GPUs, the class of the machine and a set-up for it, models, folders. */
export const doctor = request({
  method: "tandem/doctor",
  params: z.object({}).strict(),
  event: z.object({}).strict(),
  result: z.object({
    /** CPU_ONLY, LOW_VRAM, CONSUMER, PROSUMER, DATACENTER, MULTI_GPU. */
    tier: z.string(),
    /** The worst first. */
    problems: z.array(Problem),
    /** All of it for people, as Markdown. */
    markdown: z.string(),
  }),
  afterLoss: "resend",
});
