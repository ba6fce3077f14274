import { MessageType } from "vscode-languageserver-protocol/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import type { Handlers } from "../../../handlers.ts";
import { RunParams, type RunResult } from "../../../protocol/run.ts";
import { parsed } from "../failure.ts";
import { type Documents, toSource } from "./documents.ts";
import type { Drafts } from "./drafts.ts";
import type { ProgressBoard, ProgressToken, Wire } from "./progress.ts";

/** One task for an editor. */
export interface Job {
  readonly title: string;
  readonly document: TextDocument | null;
  /** Of `RunParams`, what the documents do not say. */
  readonly params: object;
  readonly token: ProgressToken | undefined;
  readonly isProgressWanted: boolean;
}

export interface JobDeps {
  readonly run: Handlers["run"];
  readonly wire: Wire;
  readonly documents: Documents;
  readonly board: ProgressBoard;
  readonly drafts: Drafts;
}

/** Documents that come along with a task, for the test file that may be among them. */
const MOST_BESIDES = 50;
const MOST_SHOWN = 1_000;

/** Runs the task on the documents as they are, and shows how it goes. */
export async function work(
  job: Job,
  { run, wire, documents, board, drafts }: JobDeps,
  signal: AbortSignal,
): Promise<RunResult> {
  const { title, document, token, isProgressWanted } = job;
  const besides = documents.recent(MOST_BESIDES).filter((it) => it !== document);
  using draft = drafts.follow();
  const request = {
    ...(draft.ticket !== null && { ticket: draft.ticket }),
    ...job.params,
    ...(document && { document: toSource(document) }),
    unsaved: besides.map(toSource),
  };
  using progress = board.begin(title, { token, isWanted: isProgressWanted });
  const result = await run(parsed(RunParams, request, title), {
    emit(event) {
      draft.hear(event);
      progress.tell(event);
    },
    signal: AbortSignal.any([signal, progress.signal]),
  });
  tellFindings(result, wire);
  return result;
}

/** An edit has no room for what is to be said about it. */
function tellFindings(result: RunResult, wire: Wire): void {
  if (result.kind !== "edit") return;
  const findings = result.findings.map((it) => `line ${it.line} of the new text: ${it.message}`);
  const seen = result.cloud === null ? [] : [`this is from the cloud: ${result.cloud} has seen the request`];
  const said = [...seen, ...findings, ...result.notices].join("\n");
  if (said === "") return;
  const type = findings.length > 0 ? MessageType.Warning : MessageType.Info;
  wire.notify("window/showMessage", { type, message: `Tandem: ${said.slice(0, MOST_SHOWN)}` });
}
