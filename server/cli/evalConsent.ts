import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { TandemError } from "../errors.ts";
import { stateFolder } from "../platform/folders.ts";
import { readPrivateFile, writePrivateFile } from "../platform/privateFile.ts";

/**
 * Says what running a model's code means here and asks, once for the same conditions; `isAgreed`: the user has said so already. Throws
 * TandemError: bad-input where nobody can be asked, cancelled where the answer is no.
 */
export async function agreeToRun(says: readonly string[], isAgreed: boolean, signal: AbortSignal): Promise<void> {
  const path = join(stateFolder(), "eval-consent");
  // Conditions that have become worse are asked about anew.
  const conditions = createHash("sha256").update(JSON.stringify(says)).digest("hex");
  if (isAgreed || (await readPrivateFile(path)) === conditions) return;
  const what = `This runs code on your machine that models write and that nobody has read:\n${says.map((it) => `  - ${it}\n`).join("")}`;
  if (process.stdin.isTTY !== true)
    throw new TandemError("bad-input", `Nobody can be asked whether to go on. ${what}`, "Add --yes to agree");
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await asking.question(`${what}Go on? [y/N] `, { signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw new TandemError("cancelled", "Nothing was run", "Run it when you like");
  } finally {
    asking.close();
  }
  await mkdir(stateFolder(), { recursive: true, mode: 0o700 });
  await writePrivateFile(path, conditions);
}
