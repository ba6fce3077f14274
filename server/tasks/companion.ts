import { frameworkOf, importPathFor, isTestFile, testFileCandidates } from "../core/companion.ts";
import type { Companion } from "../core/prompt.ts";
import type { Task } from "../core/task.ts";
import type { Files } from "../ports.ts";
import type { SourceDocument } from "../protocol/source.ts";

/** How far up a package.json is looked for. */
const MOST_PARENTS = 12;

/** The test file a task's tests go into: one that is there, else the first candidate as a new file. Null where tests have no usual place. */
export async function findCompanion(
  task: Task,
  unsaved: readonly SourceDocument[],
  files: Files,
): Promise<Companion | null> {
  const { document, facts } = task;
  if (!document) return null;
  // A text that was never saved has no folder to keep tests in.
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(document.uri)) return null;
  const path = new URL(document.uri).pathname;
  const fileName = decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
  const framework = frameworkOf(facts, await manifest(document.uri, files));
  if (isTestFile(path))
    return {
      uri: document.uri,
      text: document.text,
      languageId: document.languageId,
      importPath: `./${fileName}`,
      framework,
    };
  const candidates = testFileCandidates(fileName, facts);
  for (const candidate of candidates) {
    const uri = beside(candidate, document.uri);
    const text = unsaved.find((it) => isSame(it.uri, uri))?.text ?? (await files.readText(uri));
    if (text !== null)
      return {
        uri,
        text,
        languageId: document.languageId,
        importPath: relativeImport(document.uri, uri, fileName, candidate, task),
        framework,
      };
  }
  const [first] = candidates;
  if (first === undefined) return null;
  const uri = beside(first, document.uri);
  return {
    uri,
    text: null,
    languageId: document.languageId,
    importPath: importPathFor(fileName, first, facts),
    framework,
  };
}

/** The URI of a file by its path from another one; a name may hold any character. */
function beside(path: string, uri: string): string {
  return new URL(path.split("/").map(encodeURIComponent).join("/"), uri).href;
}

/** Editors encode characters that URLs leave alone, such as brackets. */
function isSame(a: string, b: string): boolean {
  return decodeURIComponent(a) === decodeURIComponent(b);
}

async function manifest(uri: string, files: Files): Promise<string | null> {
  let folder = new URL(".", uri);
  for (let step = 0; step < MOST_PARENTS; step++) {
    const text = await files.readText(new URL("package.json", folder).href);
    if (text !== null) return text;
    const parent = new URL("..", folder);
    if (parent.href === folder.href) return null;
    folder = parent;
  }
  return null;
}

/** `../test/x.test.ts` imports through the source folder's own name. */
function relativeImport(sourceUri: string, testUri: string, fileName: string, candidate: string, task: Task): string {
  if (!candidate.startsWith("../") || task.facts.id === "python") return importPathFor(fileName, candidate, task.facts);
  const folder =
    new URL(".", sourceUri).pathname
      .split("/")
      .filter((it) => it !== "")
      .at(-1) ?? ".";
  return new URL(testUri).pathname.includes(`/${folder}/`)
    ? `./${fileName}`
    : `../${decodeURIComponent(folder)}/${fileName}`;
}
