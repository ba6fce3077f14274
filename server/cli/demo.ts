import { fileURLToPath } from "node:url";
import type { Client } from "./client.ts";
import type { Out } from "./printer.ts";
import { toRequest } from "./request.ts";
import { runOnce } from "./run.ts";
import { textPrinter } from "./textPrinter.ts";

/** The function of the sample that is still to be written. */
const SAMPLE = new URL("../../test/fixtures/sample/src/amounts.ts", import.meta.url);
const INSTRUCTION = "Implement the function largest";

/** `npm start`: the main job, on the sample program of the checkout, written to its file. */
export async function demo(client: Client, out: Out, signal: AbortSignal): Promise<number> {
  const file = fileURLToPath(SAMPLE);
  out.write(`\nTandem: "${INSTRUCTION}" in test/fixtures/sample/src/amounts.ts\n\n`);
  const request = await toRequest({ instruction: INSTRUCTION, file });
  const { exitCode, changes } = await runOnce(request, client, textPrinter(out), true, signal);
  if (exitCode !== 0) return exitCode;
  const names = changes.length === 0 ? "nothing" : "test/fixtures/sample/src/amounts.ts";
  out.write(`\nChanged: ${names} (see it with: git diff)\n\n${NEXT}`);
  return 0;
}

const NEXT = `Next:
  npm run -s tandem -- run --file test/fixtures/sample/src/report.ts "Write a docstring for formatReport"
  npm run -s tandem -- run --apply --file YOUR_FILE --model file:/path/to/any-coder.gguf "your request"
  npm run -s tandem -- serve             OpenAI's API from your own models
  npm run -s tandem -- help
  npm run package        makes the VS Code extension (dist/*.vsix)
  npm test               proves all of it, in a real VS Code too
`;
