import { type CodeAction, CodeActionKind } from "vscode-languageserver-protocol/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { z } from "zod";
import { Action } from "../../../protocol/run.ts";
import { Diagnostic, Range } from "../../../protocol/source.ts";
import { Diagnostics } from "./diagnostics.ts";

export const ActionsParams = z.looseObject({
  textDocument: z.looseObject({ uri: z.string().max(4_096) }),
  range: Range,
  context: z.looseObject({ diagnostics: Diagnostics, only: z.array(z.string()).max(100).nullish() }),
});
export type ActionsParams = z.output<typeof ActionsParams>;

/** What an action carries from the menu to its doing. */
export const ActionData = z.object({
  /** Those that end in an edit. */
  action: Action.exclude(["explain", "ask"]),
  uri: z.string().max(4_096),
  version: z.int(),
  range: Range,
  diagnostics: z.array(Diagnostic).max(200),
});
export type ActionData = z.output<typeof ActionData>;

interface Offer {
  readonly action: ActionData["action"];
  readonly title: string;
  readonly kind: CodeActionKind;
  readonly fits: (place: Place) => boolean;
}

interface Place {
  readonly document: TextDocument;
  readonly diagnostics: readonly Diagnostic[];
}

/** Texts without functions to document, test or implement. */
const PROSE: ReadonlySet<string> = new Set(
  "csv git-commit gitcommit help html json json5 jsonc log markdown plaintext rst tex text toml txt xml yaml".split(
    " ",
  ),
);
const isCode = ({ document }: Place) => !PROSE.has(document.languageId);

const OFFERS: readonly Offer[] = [
  {
    action: "fix",
    title: "Tandem: fix",
    kind: CodeActionKind.QuickFix,
    fits: ({ diagnostics }) => diagnostics.length > 0,
  },
  { action: "docstring", title: "Tandem: write docstring", kind: CodeActionKind.RefactorRewrite, fits: isCode },
  { action: "refactor", title: "Tandem: refactor", kind: CodeActionKind.RefactorRewrite, fits: () => true },
  { action: "implement", title: "Tandem: implement", kind: CodeActionKind.RefactorRewrite, fits: isCode },
  {
    action: "test",
    title: "Tandem: write tests",
    // Not `source`: editors run what is of that kind when a file is saved.
    kind: CodeActionKind.Refactor,
    // A text that was never saved has no place beside it for tests.
    fits: (place) => isCode(place) && place.document.uri.startsWith("file:"),
  },
];

/** What can be done here; each is worked out once it is chosen. */
export function actionsAt(document: TextDocument, { range, context }: ActionsParams): CodeAction[] {
  if (document.getText().trim() === "") return [];
  const { diagnostics, only } = context;
  const data = { uri: document.uri, version: document.version, range: asCursor(document, range), diagnostics };
  return OFFERS.filter((it) => isWanted(it.kind, only ?? null) && it.fits({ document, diagnostics })).map(
    ({ action, title, kind }) => ({ title, kind, data: { action, ...data } satisfies ActionData }),
  );
}

/** Kinds are paths: who asks for `refactor` gets `refactor.rewrite` too. */
function isWanted(kind: CodeActionKind, only: readonly string[] | null): boolean {
  return !only || only.some((it) => it === "" || kind === it || kind.startsWith(`${it}.`));
}

/** Editors whose cursor is a block send the character under it as a selection; what is meant is what stands around it. */
function asCursor(document: TextDocument, range: Range): Range {
  const length = document.offsetAt(range.end) - document.offsetAt(range.start);
  return length <= 1 ? { start: range.start, end: range.start } : range;
}
