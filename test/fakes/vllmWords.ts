/** How vLLM gives up, by the model that makes its fake do so: lines from its source, its issues and those of the libraries under it. */
export const VLLM_FAILURES: Readonly<Record<string, string>> = {
  "fails/gated": `huggingface_hub.errors.GatedRepoError: 401 Client Error. (Request ID: Root=1)
Cannot access gated repo for url https://huggingface.co/fails/gated/resolve/main/config.json.`,
  "fails/missing":
    "OSError: fails/missing is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'",
  "fails/offline": "OSError: We couldn't connect to 'https://huggingface.co' to load the files",
  "fails/code":
    "ValueError: The repository fails/code contains custom code which must be executed to correctly load the model. Please pass the argument `trust_remote_code=True` to allow custom code to be run.",
  "fails/context":
    "(EngineCore_0 pid=7) ValueError: To serve at least one request with the models's max seq len (131072), (16.00 GiB KV cache is needed, which is larger than the available KV cache memory (4.62 GiB).",
  "fails/full":
    "(EngineCore_0 pid=7) ValueError: Free memory on device (2.1/23.68 GiB) on startup is less than desired GPU memory utilization (0.9, 21.31 GiB).",
  "fails/memory":
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.16 GiB. GPU 0 has a total capacity of 23.68 GiB",
  "fails/old":
    "ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your Tesla T4 GPU has compute capability 7.5.",
  "fails/kind": "ValueError: Model architectures ['OddForCausalLM'] are not supported for now.",
  "fails/nogpu": "RuntimeError: Failed to infer device type",
  "fails/odd": "KeyError: 'something nobody thought of'",
};
