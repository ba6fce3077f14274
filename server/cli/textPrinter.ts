import { styleText } from "node:util";
import type { Finding, RunEvent, RunResult } from "../protocol/run.ts";
import type { Seam } from "../protocol/traffic.ts";
import type { Change } from "./apply.ts";
import { createDownloadBar, type DownloadBar } from "./downloadBar.ts";
import type { Failure } from "./failure.ts";
import type { Out, Printer } from "./printer.ts";
import { auditText, candidateText, patchOf, resultText, seconds, timingLines } from "./wording.ts";

type Style = Parameters<typeof styleText>[0];

/** The page that is written on: a label and a text per line, colours on a terminal only. */
interface Page {
  say(label: string, text: string): void;
  more(text: string): void;
  raw(text: string): void;
  paint(style: Style, text: string): string;
}

/** Draft text as it comes, whole lines at a time, so that findings never cut into one. */
interface DraftBox {
  add(text: string): void;
  /** Writes the line that was begun; the next text starts a new box. */
  end(): void;
}

/** For people: what happens, in order; what failed goes to `errors`. */
export function textPrinter(out: Out, errors: Out = out): Printer {
  const page = createPage(out);
  const errorPage = createPage(errors);
  const draft = createDraftBox(page);
  const bar = createDownloadBar(out, (text) => page.say("downloading", text));
  return {
    event: (event) => showEvent(event, page, draft, bar),
    result(result, changes, isWritten) {
      bar.stop();
      draft.end();
      showResult(result, changes, isWritten, page);
    },
    failure({ code, message, nextStep }: Failure) {
      bar.stop();
      draft.end();
      errorPage.raw(`${errorPage.paint("red", "error")}       ${message} [${code}]\n`);
      errorPage.more(nextStep);
    },
  };
}

function showEvent(event: RunEvent, page: Page, draft: DraftBox, bar: DownloadBar): void {
  switch (event.kind) {
    case "classified":
      page.say(
        "classified",
        `${page.paint("cyan", event.action)} (${event.tier}), ${Math.round(event.confidence * 100)} % sure: ${event.why}`,
      );
      if (event.target) page.more(`target: ${event.target}`);
      return;
    case "routed":
      showRouted(event, page);
      return;
    case "waiting":
      page.say("waiting", `${event.position === 1 ? "next" : `${event.position} in line`} for ${event.engine}`);
      if (event.why !== undefined) page.more(event.why);
      return;
    case "downloading":
      bar.show(event.progress);
      return;
    case "loading":
      page.say("loading", `${event.model} (${event.engine})`);
      return;
    case "ready":
      page.say("ready", `${event.engine}: ${event.model.label}, ${seconds(event.tookMs)}`);
      return;
    case "cloud":
      page.say("cloud", page.paint("yellow", `${event.host} may see this request from here on`));
      return;
    case "draft":
      draft.add(event.text);
      return;
    case "audited":
    case "finding":
    case "critique":
      showAudit(event, page);
      return;
    case "drafted":
      draft.end();
      page.say("drafted", "its audit goes on");
      return;
    case "seam":
      showSeam(event.seam, page);
      return;
    case "retry":
      draft.end();
      page.say("again", `attempt ${event.attempt}: ${event.why}`);
      return;
    case "notice":
      page.say("note", page.paint("yellow", event.message));
      return;
  }
}

function showAudit(event: Extract<RunEvent, { kind: "audited" | "finding" | "critique" }>, page: Page): void {
  switch (event.kind) {
    case "audited": {
      const word = event.isOk ? "ok" : page.paint("yellow", "see below");
      page.say("audit", `part ${event.part}, lines ${event.fromLine}-${event.toLine}: ${word}`);
      return;
    }
    case "finding":
      page.more(findingText(event.finding, page));
      return;
    case "critique":
      page.more(`line ${event.line}: ${event.detail}`);
      return;
  }
}

function showRouted({ draft, audit, why }: Extract<RunEvent, { kind: "routed" }>, page: Page): void {
  page.say("routed", `draft: ${candidateText(draft)}`);
  if (audit) page.more(`audit: ${candidateText(audit)}`);
  page.more(`because ${why}`);
}

/** Before any text a notice says it. */
function showSeam({ atCharacters, from, to, why }: Seam, page: Page): void {
  if (atCharacters === 0) return;
  page.say("seam", page.paint("dim", `${to} goes on where ${from} broke off`));
  page.more(page.paint("dim", why));
}

function showResult(result: RunResult, changes: readonly Change[], isWritten: boolean, page: Page): void {
  for (const change of changes) {
    page.raw("\n");
    for (const line of patchOf(change).split("\n")) page.raw(`${page.paint(styleOf(line), line)}\n`);
  }
  page.say(
    result.kind === "answer" ? "answered" : isWritten ? "written" : "not written",
    resultText(result, changes, isWritten),
  );
  if (result.cloud !== null) page.more(page.paint("yellow", `from the cloud: ${result.cloud} has seen the request`));
  if (result.audit !== null) page.more(auditText(result.audit));
  for (const line of timingLines(result.timing)) page.more(line);
}

function createPage(out: Out): Page {
  const paint = (style: Style, text: string) => (out.isTTY ? styleText(style, text) : text);
  return {
    paint,
    say: (label, text) => void out.write(`${paint("bold", label.padEnd(11))} ${text}\n`),
    more: (text) => void out.write(`${" ".repeat(12)}${text}\n`),
    raw: (text) => void out.write(text),
  };
}

function createDraftBox(page: Page): DraftBox {
  let line = "";
  let isOpen = false;
  const write = (text: string) => page.raw(`${page.paint("dim", "  │ ")}${text}\n`);
  return {
    add(text) {
      if (!isOpen) page.say("draft", "");
      isOpen = true;
      const lines = (line + text).split("\n");
      line = lines.pop() ?? "";
      lines.forEach(write);
    },
    end() {
      if (line !== "") write(line);
      line = "";
      isOpen = false;
    },
  };
}

function findingText({ line, severity, message, source }: Finding, page: Page): string {
  return `${page.paint(severity === "error" ? "red" : "yellow", severity)} line ${line}: ${message} (${source})`;
}

function styleOf(line: string): Style {
  if (line.startsWith("+")) return "green";
  if (line.startsWith("-")) return "red";
  return line.startsWith("@@") ? "cyan" : "reset";
}
