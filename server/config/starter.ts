/** What `tandem config init` writes: everything in it is a comment, so that it changes nothing by itself. */
export const STARTER = `// Tandem's configuration: the same for the editor, the command line and the HTTP door.
// What is left out has its default (\`tandem config\` shows all values and where each is from). Changes hold at once.
// Order: defaults < this file < TANDEM_* variables < the editor's settings and the command line's flags.
{
  // "roles": {
  //   "draft": { "model": "coder" },
  //   "audit": { "model": "auto", "device": "cuda:1" },
  //   "embed": { "endpoint": "http://127.0.0.1:11434", "model": "nomic-embed-text", "dimensions": 768 }
  // },

  // A provider in the cloud: which tasks may be sent there, and files of which nothing is. Without tiers it is off.
  // "cloud": { "endpoint": "https://api.example.com/v1", "model": "large", "tiers": [], "keepLocal": ["src/private"] },

  // Your own models. backend: embedded, llama-server, vllm, ollama, endpoint.
  // "models": [
  //   { "name": "coder", "model": "/models/qwen2.5-coder-7b-q4_k_m.gguf", "contextTokens": 16384, "keyType": "q8_0",
  //     "valueType": "q8_0", "roles": ["draft"], "isPinned": true },
  //   { "name": "big", "backend": "vllm", "model": "Qwen/Qwen2.5-Coder-32B-Instruct-AWQ", "quantization": "awq" },
  //   { "name": "phi", "backend": "ollama", "model": "phi3:mini", "bestFor": "comments" },
  //   { "name": "lab", "backend": "endpoint", "url": "http://192.168.1.5:8000" }
  // ],

  // Servers to look for beside this machine's usual ports (11434, 8080, 8000, 1234).
  // "hosts": ["http://192.168.1.5:11434"],
  // "discovery": { "isLoopbackProbed": true, "isAttached": true },

  // "backends": { "llamaServer": "/usr/local/bin/llama-server", "force": "auto" },

  // What stays free on every GPU, when idle models are unloaded, and how full and how warm a GPU may be.
  // "memory": { "reserveGb": 3, "unloadAfterSeconds": 300 },
  // "thermal": { "hotCelsius": 80, "criticalCelsius": 85 }
}
`;
