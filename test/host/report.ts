import { z } from "zod";

/** What the tests inside the extension host tell the run that started them: one JSON object per line over a socket. */
export const Report = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("passed"), title: z.string(), ms: z.number() }),
  z.object({ kind: z.literal("failed"), title: z.string(), error: z.string() }),
  z.object({ kind: z.literal("done") }),
]);
export type Report = z.output<typeof Report>;

/** The environment variable with the port the reports go to. */
export const REPORT_PORT = "TANDEM_TEST_REPORT_PORT";
