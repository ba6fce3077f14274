import { assignedSecret } from "./assigned.ts";

/** What a text looks like it holds, in words; null: nothing that is known for a secret. Throws where it cannot be looked through. */
export async function findSecret(text: string): Promise<string | null> {
  if (text.trim() === "") return null;
  const { lint } = await known();
  // What stands quoted in a text that is quoted itself, as in the arguments of a tool's call.
  for (const it of text.includes("\\") ? [text, unescaped(text)] : [text]) {
    const [found] = [assignedSecret(it) ?? (await lint(it))[0] ?? null];
    if (found !== null) return found;
  }
  return null;
}

/** As JSON's and most languages' strings read. */
function unescaped(text: string): string {
  return text.replace(/\\{1,3}(["'`nrt/])/g, (_, it: string) => ({ n: "\n", r: "\r", t: "\t" })[it] ?? it);
}

let loaded: Promise<{ readonly lint: (text: string) => Promise<string[]> }> | null = null;

/** The library and its rules, read when a cloud is first in question. */
function known() {
  loaded ??= load();
  return loaded;
}

async function load() {
  const [{ lintSource }, { creator }] = await Promise.all([
    import("@secretlint/core"),
    import("@secretlint/secretlint-rule-preset-recommend"),
  ]);
  const config = { rules: [{ id: "known secrets", rule: creator }] };
  return {
    async lint(content: string): Promise<string[]> {
      // Comments in the text that switch its rules off are none of ours: whose text it is may be a stranger's.
      const source = {
        filePath: "text",
        content: content.replaceAll("secretlint-disable", " "),
        ext: "",
        contentType: "text",
      } as const;
      const { messages } = await lintSource({ source, options: { config, noPhysicFilePath: true } });
      return messages.map((it) => `a secret (${nameOf(it.ruleId)})`);
    },
  };
}

/** "@secretlint/secretlint-rule-npm" is npm's. */
function nameOf(ruleId: string): string {
  return ruleId.replace(/^.*secretlint-rule-/, "");
}
