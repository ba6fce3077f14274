import { CodeActionKind, type ServerCapabilities, TextDocumentSyncKind } from "vscode-languageserver-protocol/node";
import { z } from "zod";

/** What an editor can do, as far as it matters here. */
export interface Abilities {
  /** Edits that name the version they were made against, and files made anew. */
  readonly editsVersions: boolean;
  readonly createsFiles: boolean;
  /** It asks for an action's edit when the user has chosen it. Without that, no action is offered: a model would have to run for a menu. */
  readonly resolvesEdits: boolean;
  readonly showsProgress: boolean;
}

/** Its argument is an object; see `RunArguments`. */
export const RUN_COMMAND = "tandem.run";
/** Takes all drafts that are written as they are, without the rest of their audits. It has no argument, and says how many those were. */
export const ACCEPT_COMMAND = "tandem.acceptNow";

export const NO_ABILITIES: Abilities = {
  editsVersions: false,
  createsFiles: false,
  resolvesEdits: false,
  showsProgress: false,
};

const Initialize = z.looseObject({
  capabilities: z.looseObject({
    workspace: z
      .looseObject({
        workspaceEdit: z
          .looseObject({ documentChanges: z.boolean().nullish(), resourceOperations: z.array(z.string()).nullish() })
          .nullish(),
      })
      .nullish(),
    textDocument: z
      .looseObject({
        codeAction: z
          .looseObject({
            codeActionLiteralSupport: z.looseObject({}).nullish(),
            resolveSupport: z.looseObject({ properties: z.array(z.string()) }).nullish(),
            dataSupport: z.boolean().nullish(),
          })
          .nullish(),
      })
      .nullish(),
    window: z.looseObject({ workDoneProgress: z.boolean().nullish() }).nullish(),
  }),
});

/** What its `initialize` says; what it says wrongly, it cannot do. */
export function abilitiesOf(params: unknown): Abilities {
  const read = Initialize.safeParse(params);
  if (!read.success) return NO_ABILITIES;
  const { workspace, textDocument, window } = read.data.capabilities;
  const edit = workspace?.workspaceEdit;
  const action = textDocument?.codeAction;
  const isResolving = action?.resolveSupport?.properties.includes("edit") === true;
  return {
    editsVersions: edit?.documentChanges === true,
    createsFiles: edit?.documentChanges === true && edit.resourceOperations?.includes("create") === true,
    resolvesEdits: Boolean(action?.codeActionLiteralSupport) && isResolving && action?.dataSupport === true,
    showsProgress: window?.workDoneProgress === true,
  };
}

/** What the orchestrator offers an editor beyond the contract's own requests. */
export const EDITOR_CAPABILITIES: ServerCapabilities = {
  textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: { includeText: false } },
  codeActionProvider: {
    codeActionKinds: [CodeActionKind.QuickFix, CodeActionKind.Refactor, CodeActionKind.RefactorRewrite],
    resolveProvider: true,
  },
  executeCommandProvider: { commands: [RUN_COMMAND, ACCEPT_COMMAND], workDoneProgress: true },
};
