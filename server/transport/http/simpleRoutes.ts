import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { Call, Session } from "../../handlers.ts";
import type { GenerateResult } from "../../protocol/generate.ts";
import type { RunEvent } from "../../protocol/run.ts";
import { fromSimple, SimpleParams, SimpleResult, toSimple } from "../../protocol/simple.ts";
import { type AnswerDeps, answerStream, answerWhole } from "./answer.ts";
import { jsonOrEvents } from "./document.ts";

export interface SimpleDeps extends AnswerDeps {
  readonly session: Session;
}

/** One bare call to a model, by the names that Hugging Face's generation has. */
export function addSimpleRoutes(app: FastifyInstance, deps: SimpleDeps): void {
  const { handlers } = deps.session;
  const typed = app.withTypeProvider<ZodTypeProvider>();
  const working = (params: SimpleParams) => (call: Call<RunEvent>) => handlers.generate(fromSimple(params), call);
  typed.post("/generate", { schema: GENERATE }, async ({ body }, reply) => {
    const work = working(body);
    return body.stream ? answerStream(reply, deps, { ...PARTS, work }) : toSimple(await answerWhole(reply, deps, work));
  });
  typed.post("/generate_stream", { schema: GENERATE_STREAM }, ({ body }, reply) =>
    answerStream(reply, deps, { ...PARTS, work: working(body) }),
  );
}

const GENERATE = {
  operationId: "generate",
  summary: "Text for a prompt; with `stream`, as `/generate_stream`",
  body: SimpleParams,
  response: { 200: jsonOrEvents("The text, and what it took", SimpleResult) },
};
const GENERATE_STREAM = {
  operationId: "generateStream",
  summary: 'Text for a prompt as server-sent events: `{"text": …}` as it is written, then what `/generate` answers',
  body: SimpleParams,
  response: { 200: jsonOrEvents("The text as it is written", SimpleResult) },
};
const PARTS = {
  part: (event: RunEvent) => (event.kind === "draft" ? { text: event.text } : null),
  end: (result: GenerateResult) => `data: ${JSON.stringify(toSimple(result))}\n\n`,
};
