import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { settingsFrom } from "../../server/cli/settings.ts";

const cases: readonly { name: string; flags: Record<string, string>; want: string }[] = [
  { name: "a file beside the command", flags: { model: "file:coder.gguf" }, want: `file:${resolve("coder.gguf")}` },
  {
    name: "a plain path of a GGUF",
    flags: { model: "models/coder.GGUF" },
    want: `file:${resolve("models/coder.GGUF")}`,
  },
  { name: "a URL says where itself", flags: { model: "file:///models/coder.gguf" }, want: "file:///models/coder.gguf" },
  { name: "so does the home folder", flags: { model: "file:~/coder.gguf" }, want: "file:~/coder.gguf" },
  { name: "a catalogue id", flags: { model: "qwen2.5-coder-3b" }, want: "qwen2.5-coder-3b" },
  {
    name: "an endpoint's models have names",
    flags: { endpoint: "http://127.0.0.1:8080", model: "coder.gguf" },
    want: "coder.gguf",
  },
];

for (const { name, flags, want } of cases)
  test(`--model: ${name}`, () => assert.equal(settingsFrom(flags, {}).draft.model, want));
