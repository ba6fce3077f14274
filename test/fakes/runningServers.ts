import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What a server answers to GETs, by path; all else is 404. */
export interface Answering {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
}

/** A server that is found running; it remembers the headers it was asked with. */
export interface RunningServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly asked: readonly { readonly path: string; readonly headers: NodeJS.Dict<string | string[]> }[];
}

export async function runningServer(
  answers: Readonly<Record<string, Answering | "hang">>,
  otherwise: Answering = { status: 404, body: { error: { message: "File Not Found", code: 404 } } },
): Promise<RunningServer> {
  const asked: { path: string; headers: NodeJS.Dict<string | string[]> }[] = [];
  const server = createServer((request, reply) => {
    const path = request.url ?? "";
    asked.push({ path, headers: request.headers });
    const answer = answers[path] ?? otherwise;
    if (answer === "hang") return;
    reply.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers });
    reply.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** llama-server's, as captured from a real one (b1, `/props` and `/v1/models`), shortened. */
export function llamaServerAnswers(path: string, bytes = 635_990_016): Record<string, Answering> {
  const headers = { server: "llama.cpp" };
  const props = {
    default_generation_settings: { params: { seed: 4294967295 }, n_ctx: 2048 },
    total_slots: 4,
    model_alias: "tiny",
    model_ftype: "Q4_0",
    model_path: path,
    build_info: "b1-de3ff81",
  };
  const model = {
    id: "tiny",
    aliases: ["tiny"],
    object: "model",
    owned_by: "llamacpp",
    meta: { n_ctx: 512, size: bytes },
  };
  return { "/props": { headers, body: props }, "/v1/models": { headers, body: { object: "list", data: [model] } } };
}

/** vLLM's, as its documentation shows them; no real one was compared. */
export const VLLM: Record<string, Answering> = {
  "/version": { headers: { server: "uvicorn" }, body: { version: "0.11.0" } },
  "/v1/models": {
    headers: { server: "uvicorn" },
    body: {
      object: "list",
      data: [
        {
          id: "Qwen/Qwen2.5-Coder-7B-Instruct",
          object: "model",
          created: 1_795_257_422,
          owned_by: "vllm",
          root: "Qwen/Qwen2.5-Coder-7B-Instruct",
          parent: null,
          max_model_len: 32_768,
          permission: [],
        },
      ],
    },
  },
};

/** Ollama's, as its documentation shows them; no real one was compared. */
export const OLLAMA: Record<string, Answering> = {
  "/": { body: "Ollama is running" },
  "/api/version": { body: { version: "0.24.0" } },
  "/api/tags": {
    body: {
      models: [
        {
          name: "qwen2.5-coder:7b",
          model: "qwen2.5-coder:7b",
          modified_at: "2025-10-03T23:34:03.409490317-07:00",
          size: 4_683_087_332,
          digest: "dae161e27b0e90dd1856c8bb3209201fd6736d8eb66298e75ed87571486f4364",
          details: {
            parent_model: "",
            format: "gguf",
            family: "qwen2",
            families: ["qwen2"],
            parameter_size: "7.6B",
            quantization_level: "Q4_K_M",
          },
        },
        {
          name: "nomic-embed-text:latest",
          model: "nomic-embed-text:latest",
          size: 274_302_450,
          details: {
            parent_model: "",
            format: "gguf",
            family: "nomic-bert",
            families: ["nomic-bert"],
            parameter_size: "137M",
            quantization_level: "F16",
          },
        },
      ],
    },
  },
  "/api/ps": {
    body: {
      models: [
        {
          name: "qwen2.5-coder:7b",
          model: "qwen2.5-coder:7b",
          size: 6_654_289_920,
          size_vram: 6_654_289_920,
          context_length: 4096,
          expires_at: "2025-10-04T01:00:00Z",
        },
      ],
    },
  },
  "/v1/models": {
    body: {
      object: "list",
      data: [{ id: "qwen2.5-coder:7b", object: "model", created: 1_759_559_643, owned_by: "library" }],
    },
  },
};

/** LM Studio's, as its documentation shows them; no real one was compared. It answers every other path with 200 and an error in words. */
export const LM_STUDIO: Record<string, Answering> = {
  "/api/v0/models": {
    body: {
      object: "list",
      data: [
        {
          id: "qwen2-vl-7b-instruct",
          object: "model",
          type: "vlm",
          publisher: "mlx-community",
          arch: "qwen2_vl",
          compatibility_type: "mlx",
          quantization: "4bit",
          state: "not-loaded",
          max_context_length: 32_768,
        },
        {
          id: "text-embedding-nomic-embed-text-v1.5",
          object: "model",
          type: "embeddings",
          arch: "nomic-bert",
          compatibility_type: "gguf",
          quantization: "Q4_0",
          state: "loaded",
          max_context_length: 2048,
          loaded_context_length: 1024,
        },
      ],
    },
  },
  "/v1/models": {
    body: { object: "list", data: [{ id: "qwen2-vl-7b-instruct", object: "model", owned_by: "organization_owner" }] },
  },
};
export const LM_STUDIO_OTHERWISE: Answering = {
  status: 200,
  body: { error: "Unexpected endpoint or method. (GET /props)" },
};
