import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { KEY, type TestDoor } from "./door.ts";
import { exchange, firstAnswer, head, type RawAnswer } from "./socket.ts";

/** One request, byte for byte, and what it is answered with. */
export interface Row {
  readonly name: string;
  /** `GET /health` when left out. */
  readonly line?: string;
  readonly headers: () => Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly want: number;
  readonly code?: string;
}

export const ErrorShape = z.object({
  error: z.strictObject({
    message: z.string().min(1),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});

/** Longer than every limit of the doors in these tests. */
export const DEADLINE_MS = 10_000;
export const POST = "POST /v1/chat/completions";
export const BEARER = { authorization: `Bearer ${KEY}` };

/** A test for each row, against the door that is there by then. */
export function check(
  rows: readonly Row[],
  door: () => TestDoor,
  alsoCheck: (row: Row, answer: RawAnswer) => void,
): void {
  for (const row of rows) {
    const { name, line = "GET /health", headers, body, want, code } = row;
    test(`${want}: ${name}`, async () => {
      const sized =
        body === undefined ? headers() : { "content-length": String(Buffer.byteLength(body)), ...headers() };
      const bytes = Buffer.concat([Buffer.from(head(line, sized)), Buffer.from(body ?? "")]);
      const answer = firstAnswer(await exchange(door().port, bytes, DEADLINE_MS));
      assert.ok(answer, "an answer");
      assert.equal(answer.status, want, answer.body);
      if (want >= 400) {
        const { error } = ErrorShape.parse(JSON.parse(answer.body));
        if (code !== undefined) assert.equal(error.code, code);
      }
      alsoCheck(row, answer);
    });
  }
}
