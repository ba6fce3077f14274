import assert from "node:assert/strict";
import { test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import type { ErrorCode } from "../../server/protocol/errors.ts";
import { toOpenAiError } from "../../server/protocol/openaiError.ts";

const answered = (error: TandemError) => toOpenAiError({ message: error.message, ...error.toData() });
const failed = (code: ErrorCode, details?: Record<string, unknown>) =>
  answered(new TandemError(code, "It went wrong", "Do it otherwise", details ? { details } : {}));

const cases: readonly {
  name: string;
  code: ErrorCode;
  details?: Record<string, unknown>;
  want: readonly [status: number, type: string, code: string];
}[] = [
  { name: "a malformed request", code: "bad-request", want: [400, "invalid_request_error", "bad_request"] },
  { name: "input that cannot be worked on", code: "bad-input", want: [400, "invalid_request_error", "bad_input"] },
  {
    name: "a prompt that is too long",
    code: "context-length",
    want: [413, "invalid_request_error", "context_length_exceeded"],
  },
  {
    name: "a name that nobody knows",
    code: "model-unavailable",
    details: { isUnknown: true },
    want: [404, "invalid_request_error", "model_not_found"],
  },
  {
    name: "a model that cannot be had now",
    code: "model-unavailable",
    want: [503, "server_error", "model_unavailable"],
  },
  { name: "nothing set up", code: "not-configured", want: [503, "server_error", "not_configured"] },
  {
    name: "Tandem's own key refused by an endpoint is not the client's key",
    code: "not-configured",
    details: { status: 401 },
    want: [503, "server_error", "not_configured"],
  },
  {
    name: "an engine that is not there",
    code: "provider",
    details: { isDown: true },
    want: [503, "server_error", "provider"],
  },
  {
    name: "an engine that is busy",
    code: "provider",
    details: { status: 503 },
    want: [503, "server_error", "provider"],
  },
  { name: "an engine that is not asked for a while", code: "disabled", want: [503, "server_error", "disabled"] },
  { name: "a broken answer", code: "provider", want: [502, "server_error", "provider"] },
  { name: "a server's own fault", code: "provider", details: { status: 500 }, want: [502, "server_error", "provider"] },
  {
    name: "too many requests",
    code: "provider",
    details: { status: 429 },
    want: [429, "rate_limit_error", "provider"],
  },
  { name: "no answer in time", code: "timeout", want: [504, "server_error", "timeout"] },
  { name: "no memory", code: "no-memory", want: [507, "server_error", "no_memory"] },
  { name: "no room on the disk", code: "no-space", want: [507, "server_error", "no_space"] },
  { name: "a leaving orchestrator", code: "shutting-down", want: [503, "server_error", "shutting_down"] },
  { name: "cancelled", code: "cancelled", want: [499, "invalid_request_error", "cancelled"] },
  {
    name: "details of any shape",
    code: "provider",
    details: { status: "teapot", param: 7, body: null },
    want: [502, "server_error", "provider"],
  },
];

for (const { name, code, details, want } of cases)
  test(name, () => {
    const { status, body } = failed(code, details);
    assert.deepEqual([status, body.error.type, body.error.code], want);
    assert.equal(body.error.message, "It went wrong. Do it otherwise");
  });

test("what a server says of the request goes to the client, with the next step", () => {
  const said = { error: { message: "unknown field: tols.", type: "BadRequestError", param: "tols", code: 400 } };
  const { status, body } = failed("provider", { status: 422, body: said });
  assert.equal(status, 422);
  assert.deepEqual(body.error, {
    message: "unknown field: tols. Do it otherwise",
    type: "BadRequestError",
    param: "tols",
    code: "provider",
  });
});

test("clients are told whether asking again can help", () => {
  assert.deepEqual(failed("shutting-down").headers, { "retry-after": "1" });
  assert.deepEqual(failed("provider", { status: 429 }).headers, { "retry-after": "1" });
  assert.deepEqual(failed("no-memory").headers, { "x-should-retry": "false" });
  assert.deepEqual(failed("provider").headers, {});
  assert.deepEqual(failed("bad-request").headers, {});
});

test("the parameter at fault is named", () => {
  assert.equal(failed("bad-request", { param: "tools" }).body.error.param, "tools");
  assert.equal(failed("model-unavailable", { isUnknown: true }).body.error.param, "model");
});

const waits: readonly { name: string; code: ErrorCode; details: Record<string, unknown>; want: string | undefined }[] =
  [
    { name: "as the server says", code: "provider", details: { status: 429, retryAfterMs: 12_300 }, want: "13" },
    { name: "as the breaker says", code: "disabled", details: { retryAfterMs: 200 }, want: "1" },
    { name: "an engine that is down", code: "provider", details: { isDown: true }, want: "1" },
    { name: "nonsense", code: "provider", details: { retryAfterMs: 5 }, want: undefined },
    { name: "no memory", code: "no-memory", details: {}, want: undefined },
  ];
for (const { name, code, details, want } of waits)
  test(`when to ask again: ${name}`, () => assert.equal(failed(code, details).headers["retry-after"], want));
