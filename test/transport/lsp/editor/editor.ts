import {
  type ClientCapabilities,
  type CodeAction,
  CodeActionRequest,
  CodeActionResolveRequest,
  type Diagnostic,
  DidOpenTextDocumentNotification,
  type Range,
  WorkDoneProgress,
  type WorkDoneProgressBegin,
  WorkDoneProgressCreateRequest,
  type WorkDoneProgressEnd,
  type WorkDoneProgressReport,
  type WorkspaceEdit,
} from "vscode-languageserver-protocol/node";
import type { TestClient, TestOrchestrator } from "../../../server/orchestrator.ts";

/** What Neovim, Helix and Zed say of themselves, as far as it matters here. */
export const ABLE: ClientCapabilities = {
  workspace: { workspaceEdit: { documentChanges: true, resourceOperations: ["create", "rename", "delete"] } },
  textDocument: {
    codeAction: {
      codeActionLiteralSupport: { codeActionKind: { valueSet: ["", "quickfix", "refactor", "source"] } },
      dataSupport: true,
      resolveSupport: { properties: ["edit"] },
    },
  },
  window: { workDoneProgress: true },
};

export const CODE = "export function half(value: number): number {\n  return value / 2;\n}\n";
export const URI = "file:///half.ts";
export const CURSOR: Range = { start: { line: 0, character: 18 }, end: { line: 0, character: 18 } };
export const DOC = "```ts\n/** Half of the value. */\n```";

type Step = WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd;

/** An editor that speaks LSP and nothing of Tandem. */
export interface TestEditor {
  readonly connection: TestClient["connection"];
  open(uri: string, text: string, languageId?: string): Promise<void>;
  actions(at?: { uri?: string; range?: Range; diagnostics?: Diagnostic[]; only?: string[] }): Promise<CodeAction[]>;
  resolve(action: CodeAction | undefined): Promise<WorkspaceEdit>;
  /** Progress that the server made up a token for, in order. */
  readonly steps: readonly Step[];
  readonly nextToken: Promise<string | number>;
  /** Resolves once a step says this. */
  said(message: string): Promise<void>;
}

export async function startEditor(
  orchestrator: TestOrchestrator,
  settings: string | Parameters<TestOrchestrator["connect"]>[0],
  capabilities: ClientCapabilities = ABLE,
): Promise<TestEditor> {
  const given = typeof settings === "string" ? { draft: { endpoint: settings } } : settings;
  const { connection } = await orchestrator.connect(given, { kind: "editor", capabilities });
  const steps: Step[] = [];
  const token = Promise.withResolvers<string | number>();
  const waiting = new Map<string, () => void>();
  const isSaid = (step: Step, message: string) => step.kind !== "end" && step.message === message;
  connection.onRequest(WorkDoneProgressCreateRequest.type, (params) => {
    connection.onProgress(WorkDoneProgress.type, params.token, (step) => {
      steps.push(step);
      for (const [message, resolve] of waiting) if (isSaid(step, message)) resolve();
      if (step.kind === "begin") token.resolve(params.token);
    });
  });
  return {
    connection,
    steps,
    nextToken: token.promise,
    said: (message) =>
      new Promise((resolve) => {
        waiting.set(message, resolve);
        if (steps.some((it) => isSaid(it, message))) resolve();
      }),
    open: (uri, text, languageId = "typescript") =>
      connection.sendNotification(DidOpenTextDocumentNotification.type, {
        textDocument: { uri, languageId, version: 1, text },
      }),
    async actions({ uri = URI, range = CURSOR, diagnostics = [], only } = {}) {
      const context = only ? { diagnostics, only } : { diagnostics };
      const found = await connection.sendRequest(CodeActionRequest.type, { textDocument: { uri }, range, context });
      return (found ?? []) as CodeAction[];
    },
    async resolve(action) {
      if (!action) throw new Error("there is no such action");
      const { edit } = await connection.sendRequest(CodeActionResolveRequest.type, action);
      if (!edit) throw new Error("no edit came back");
      return edit;
    },
  };
}
