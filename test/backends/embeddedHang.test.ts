import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openEmbedded } from "../../server/backends/embedded.ts";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import { TandemError } from "../../server/errors.ts";
import { silentLog } from "../fakes/log.ts";
import { ask, textRequest } from "./ask.ts";

const never = new AbortController().signal;
const childPath = fileURLToPath(new URL("../fakes/silentEngine.ts", import.meta.url));
const model = {
  id: "m",
  label: "M",
  parametersB: 1,
  quantisation: null,
  contextTokens: 512,
  promptStyle: "completion",
  isTrial: false,
} as const;

function open(path: string, limits: { loadingMs?: number; silentMs?: number }) {
  const load = { kind: "embedded", model, path, device: "cpu", cards: [], options: DEFAULT_OPTIONS } as const;
  const spec = { ...load, threads: 1, contextTokens: 512, use: "write" } as const;
  return openEmbedded(spec, { log: silentLog, childPath, register: null, limits }, never);
}

test("a model that does not get loaded is given up, and told as that", async () => {
  await assert.rejects(
    open("/stuck.gguf", { loadingMs: 100 }),
    (error) => error instanceof TandemError && error.code === "timeout" && /had not loaded M/.test(error.message),
  );
});

test("an engine that falls silent in the middle of an answer is ended, which its owner hears", async () => {
  await using engine = await open("/m.gguf", { silentMs: 100 });
  await assert.rejects(
    ask(engine, textRequest("x")),
    (error) => error instanceof TandemError && error.code === "timeout" && error.details?.limit === "idle",
  );
  assert.match(await engine.gone, /SIGKILL/);
});

test("one that tells that it reads is not silent", async () => {
  await using engine = await open("/m.gguf", { silentMs: 800 });
  assert.equal((await ask(engine, textRequest("long"))).text, "read");
});
