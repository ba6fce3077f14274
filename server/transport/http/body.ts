import { isUtf8 } from "node:buffer";
import type { FastifyInstance } from "fastify";
import type { HttpLimits } from "./limits.ts";
import { isDeeper } from "./nesting.ts";
import { Refused } from "./refused.ts";

/** JSON is all the door reads: bounded, in UTF-8, and without keys that reach into JavaScript's prototypes. */
export function readJsonBodies(app: FastifyInstance, limits: HttpLimits): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "buffer", bodyLimit: limits.bodyBytes },
    (request, bytes: Buffer, done) => {
      if (!isUtf8(bytes)) done(new Refused(400, "bad_json", "The body is not UTF-8"));
      else if (isDeeper(bytes, limits.nesting))
        done(new Refused(400, "too_deep", `The body nests more than ${limits.nesting} levels deep`));
      // It answers through `done`.
      else void parse(request, bytes.toString("utf8"), done);
    },
  );
}
