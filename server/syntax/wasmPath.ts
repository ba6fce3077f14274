import { fileURLToPath } from "node:url";

/** Where a checkout keeps the parser's WebAssembly: in the packages that npm installed. */
export function wasmPathOfCheckout(file: string): string {
  const owner = file === "web-tree-sitter.wasm" ? "web-tree-sitter" : "@vscode/tree-sitter-wasm/wasm";
  return fileURLToPath(import.meta.resolve(`${owner}/${file}`));
}
