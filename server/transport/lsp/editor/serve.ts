import {
  type CodeAction,
  ErrorCodes,
  ResponseError,
  type ServerCapabilities,
} from "vscode-languageserver-protocol/node";
import { z } from "zod";
import { TandemError } from "../../../errors.ts";
import type { Handlers } from "../../../handlers.ts";
import type { Log } from "../../../ports.ts";
import { Action } from "../../../protocol/run.ts";
import { Range } from "../../../protocol/source.ts";
import type { Method, Notice } from "../dispatch.ts";
import { parsed } from "../failure.ts";
import { ACCEPT_COMMAND, abilitiesOf, EDITOR_CAPABILITIES, NO_ABILITIES, RUN_COMMAND } from "./abilities.ts";
import { ActionData, ActionsParams, actionsAt } from "./actions.ts";
import { Diagnostics } from "./diagnostics.ts";
import { createDocuments } from "./documents.ts";
import { createDrafts } from "./drafts.ts";
import { type Job, work } from "./job.ts";
import { createProgressBoard, ProgressToken, type Wire } from "./progress.ts";
import { contentModified, toWorkspaceEdit } from "./workspaceEdit.ts";

/** LSP's own requests, for editors that know nothing of Tandem: code actions and commands, answered with edits. */
export interface EditorDoor {
  /** Takes in what the editor can do, and says what is offered to it. */
  begin(params: unknown): ServerCapabilities;
  readonly methods: ReadonlyMap<string, Method>;
  readonly notices: ReadonlyMap<string, Notice>;
}

export interface EditorDeps {
  readonly handlers: Pick<Handlers, "run" | "acceptNow">;
  readonly wire: Wire;
  readonly log: Log;
}

const Resolvable = z.looseObject({ title: z.string(), data: ActionData });
const Command = z.looseObject({
  command: z.string(),
  arguments: z.array(z.unknown()).max(10).nullish(),
  workDoneToken: ProgressToken.optional(),
});
/** What `tandem.run` takes: an instruction, an action, or both; `uri` is a document that is open. */
const RunArguments = z.looseObject({
  action: Action.optional(),
  instruction: z.string().default(""),
  uri: z.string().max(4_096).optional(),
  range: Range.optional(),
  diagnostics: Diagnostics.default([]),
});

export function createEditorDoor({ handlers, wire, log }: EditorDeps): EditorDoor {
  const documents = createDocuments(log);
  const board = createProgressBoard(wire);
  const drafts = createDrafts(handlers.acceptNow);
  const working = { run: handlers.run, wire, documents, board, drafts };
  let abilities = NO_ABILITIES;

  const worked = (job: Omit<Job, "isProgressWanted">, signal: AbortSignal) =>
    work({ ...job, isProgressWanted: abilities.showsProgress }, working, signal);

  async function resolve(given: unknown, signal: AbortSignal): Promise<CodeAction> {
    const { title, data } = parsed(Resolvable, given, "codeAction/resolve");
    const { action, range, diagnostics } = data;
    const document = documents.find(data.uri);
    if (!document || document.version !== data.version) throw contentModified();
    const result = await worked({ title, document, params: { action, range, diagnostics }, token: undefined }, signal);
    if (result.kind !== "edit") throw new Error(`${action} answered in prose`);
    return { ...(given as CodeAction), edit: await toWorkspaceEdit(result.edits, documents, abilities) };
  }

  async function execute(given: unknown, signal: AbortSignal): Promise<unknown> {
    const { command, arguments: [argument] = [], workDoneToken: token } = commandOf(given);
    if (command === ACCEPT_COMMAND) return { accepted: await drafts.takeAll(signal) };
    const { uri, ...params } = parsed(RunArguments, argument, command);
    const document = uri === undefined ? null : documents.find(uri);
    if (uri !== undefined && !document)
      throw new TandemError("bad-input", `The editor has not opened ${uri}`, "Open the file first, and run it again");
    const title = params.action ? `Tandem: ${params.action}` : "Tandem";
    const result = await worked({ title, document, params, token }, signal);
    const edit = result.kind === "edit" ? await toWorkspaceEdit(result.edits, documents, abilities) : null;
    return { ...result, edit };
  }

  async function offer(given: unknown): Promise<CodeAction[]> {
    const params = parsed(ActionsParams, given, "textDocument/codeAction");
    const document = documents.find(params.textDocument.uri);
    return document && abilities.resolvesEdits ? actionsAt(document, params) : [];
  }

  return {
    begin(params) {
      abilities = abilitiesOf(params);
      return EDITOR_CAPABILITIES;
    },
    methods: new Map<string, Method>([
      ["textDocument/codeAction", offer],
      ["codeAction/resolve", resolve],
      ["workspace/executeCommand", execute],
    ]),
    notices: new Map([...documents.notices, ...board.notices]),
  };
}

function commandOf(given: unknown): { command: string; arguments: unknown[]; workDoneToken: Job["token"] } {
  const read = parsed(Command, given, "workspace/executeCommand");
  if (read.command !== RUN_COMMAND && read.command !== ACCEPT_COMMAND) {
    const message = `There is no command ${read.command}, only ${RUN_COMMAND} and ${ACCEPT_COMMAND}.`;
    throw new ResponseError(ErrorCodes.InvalidParams, message);
  }
  return { command: read.command, arguments: read.arguments ?? [], workDoneToken: read.workDoneToken };
}
