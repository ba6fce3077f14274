import assert from "node:assert/strict";
import { test } from "node:test";
import { createDiscovery } from "../../server/discovery/discovery.ts";
import { listeners } from "../../server/discovery/listener.ts";
import { Config } from "../../server/protocol/config.ts";
import { silentLog } from "../fakes/log.ts";
import {
  type Answering,
  LM_STUDIO,
  LM_STUDIO_OTHERWISE,
  llamaServerAnswers,
  OLLAMA,
  type RunningServer,
  runningServer,
  VLLM,
} from "../fakes/runningServers.ts";

const never = new AbortController().signal;
const SHUT: Answering = { status: 401, body: { error: { message: "Invalid API Key", code: 401 } } };

interface Case {
  readonly name: string;
  readonly answers: Readonly<Record<string, Answering | "hang">>;
  readonly otherwise?: Answering;
  /** Kind, version, whether it needs a key, then its models: name, use, whether loaded, context. Null: nothing is found. */
  readonly want: readonly string[] | null;
}

const cases: readonly Case[] = [
  {
    name: "llama-server",
    answers: llamaServerAnswers("/m/tiny.gguf"),
    want: ["llama-server b1-de3ff81 open", "tiny - loaded 512"],
  },
  {
    name: "llama-server behind a key",
    answers: { "/v1/models": { ...SHUT, headers: { server: "llama.cpp" } } },
    otherwise: SHUT,
    want: ["llama-server - shut"],
  },
  {
    name: "llama-server as a router",
    answers: {
      "/props": {
        body: { role: "router", model_path: "none", default_generation_settings: { params: null, n_ctx: 0 } },
      },
      "/v1/models": {
        body: {
          object: "list",
          data: [
            { id: "a", owned_by: "llamacpp", status: { value: "unloaded" } },
            { id: "b", owned_by: "llamacpp", status: { value: "loaded" } },
          ],
        },
      },
    },
    want: ["llama-server - open", "a - cold -", "b - loaded -"],
  },
  { name: "vLLM", answers: VLLM, want: ["vllm 0.11.0 open", "Qwen/Qwen2.5-Coder-7B-Instruct - loaded 32768"] },
  {
    name: "vLLM behind a key",
    answers: { "/version": { body: { version: "0.11.0" } }, "/v1/models": SHUT },
    want: ["vllm 0.11.0 shut"],
  },
  {
    name: "Ollama",
    answers: OLLAMA,
    want: ["ollama 0.24.0 open", "qwen2.5-coder:7b - loaded 4096", "nomic-embed-text:latest embed cold -"],
  },
  {
    name: "LM Studio, which answers everything",
    answers: LM_STUDIO,
    otherwise: LM_STUDIO_OTHERWISE,
    want: [
      "lm-studio - open",
      "qwen2-vl-7b-instruct write cold 32768",
      "text-embedding-nomic-embed-text-v1.5 embed loaded 1024",
    ],
  },
  {
    name: "another server with a list of models",
    answers: { "/v1/models": { body: { data: [{ id: "gpt-x", owned_by: "someone" }] } } },
    want: ["openai - open", "gpt-x - ? -"],
  },
  {
    name: "Tandem's own door",
    answers: { "/v1/models": { body: { data: [{ id: "auto", owned_by: "tandem" }] } } },
    want: null,
  },
  { name: "a web server", answers: {}, otherwise: { body: "<html>It works</html>" }, want: null },
  {
    name: "one that leads elsewhere",
    answers: {},
    otherwise: { status: 302, headers: { location: "http://127.0.0.1:1/v1/models" }, body: "" },
    want: null,
  },
  { name: "one with nonsense in its list", answers: { "/v1/models": { body: { data: [{ id: 3 }] } } }, want: null },
];

for (const { name, answers, otherwise, want } of cases)
  test(name, async () => {
    await using server = await runningServer(answers, otherwise);
    const [found, ...more] = await discoveryOf([server]).look(never);
    assert.deepEqual(more, []);
    const said = found && [
      `${found.kind} ${found.version ?? "-"} ${found.needsKey ? "shut" : "open"}`,
      ...found.models.map(
        (it) =>
          `${it.name} ${it.use ?? "-"} ${it.isLoaded === null ? "?" : it.isLoaded ? "loaded" : "cold"} ${it.contextTokens ?? "-"}`,
      ),
    ];
    assert.deepEqual(said ?? null, want);
    for (const it of server.asked) assert.equal(it.headers.authorization, undefined, "no key is sent");
  });

test("ports where nobody listens cost nothing, and who hangs keeps nobody from being found", async () => {
  await using gone = await runningServer({});
  await using hangs = await runningServer({ "/v1/models": "hang", "/props": "hang" });
  await using there = await runningServer(VLLM);
  const { port } = gone;
  await gone[Symbol.asyncDispose]();
  const servers = await discoveryOf([{ port }, hangs, there], {}, { answerMs: 300 }).look(never);
  assert.deepEqual(
    servers.map((it) => it.kind),
    ["vllm"],
  );
});

test("this machine's ports are left alone where the user says so; listed hosts are asked all the same", async () => {
  await using own = await runningServer(OLLAMA);
  await using listed = await runningServer(VLLM);
  const discovery = discoveryOf([own], { hosts: [`${listed.url}/`], discovery: { isLoopbackProbed: false } });
  assert.deepEqual(
    (await discovery.look(never)).map((it) => it.url),
    [listed.url],
  );
  assert.deepEqual(own.asked, []);
});

test("what was found is looked at again when it is old, and only when somebody asks", async () => {
  await using server = await runningServer(VLLM);
  let nowMs = 0;
  const discovery = discoveryOf([server], { discovery: { everySeconds: 60 } }, { nowMs: () => nowMs });
  assert.deepEqual(discovery.servers(), [], "nobody waits");
  assert.equal((await discovery.known()).length, 1);
  const asked = server.asked.length;
  nowMs = 59_000;
  discovery.servers();
  assert.equal(server.asked.length, asked);
  nowMs = 61_000;
  await server[Symbol.asyncDispose]();
  const gone = Promise.withResolvers<void>();
  discovery.listen(gone.resolve);
  assert.equal(discovery.servers().length, 1, "the old answer meanwhile");
  await gone.promise;
  assert.deepEqual(discovery.servers(), []);
});

test("whose a listener is, of the kernel's table", () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 31337 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1002        0 31338 1 0 20 4 30 10 -1
   2: 00000000:2CAA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   998        0 31339 1 0 100 0 0 10 0`;
  assert.deepEqual([listeners(table, 8_080), listeners(table, 11_434), listeners(table, 1)], [[1_001], [998], []]);
});

function discoveryOf(
  servers: readonly Pick<RunningServer, "port">[],
  config: unknown = {},
  { nowMs = () => 0, answerMs = 10_000 }: { nowMs?: () => number; answerMs?: number } = {},
) {
  return createDiscovery({
    config: () => Config.parse(config),
    clock: { nowMs },
    log: silentLog,
    ports: servers.map((it) => it.port),
    answerMs,
  });
}
