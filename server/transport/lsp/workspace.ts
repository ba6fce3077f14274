import { z } from "zod";
import type { Session } from "../../handlers.ts";
import type { ClientInfo } from "../../protocol/handshake.ts";
import { ClientSettings } from "../../protocol/settings.ts";
import { parsed } from "./failure.ts";

/** A client's settings and folders, as LSP has them, for its session. */
export interface Workspace {
  /** Throws the answer to a client that begins with settings there are not. */
  begin(params: unknown): void;
  changeSettings(params: unknown): void;
  changeFolders(params: unknown): void;
}

const MOST_FOLDERS = 1_000;

const Uri = z.string().max(4_096);
const Folders = z.array(z.looseObject({ uri: Uri })).max(MOST_FOLDERS);
const Begin = z.looseObject({
  initializationOptions: z.unknown().optional(),
  workspaceFolders: Folders.nullish(),
  rootUri: Uri.nullish(),
});
const ChangedSettings = z.looseObject({ settings: z.unknown().optional() });
const ChangedFolders = z.looseObject({ event: z.looseObject({ added: Folders, removed: Folders }) });

export function createWorkspace(session: Session, client: ClientInfo["kind"]): Workspace {
  let folders: readonly string[] = [];

  function scope(next: readonly string[]): void {
    folders = next.slice(0, MOST_FOLDERS);
    session.scope(folders);
  }

  return {
    begin(params) {
      const { initializationOptions, workspaceFolders, rootUri } = parsed(Begin, params, "initialize");
      const options = client === "editor" ? sectionOf(initializationOptions) : initializationOptions;
      session.configure(parsed(ClientSettings, options ?? {}, "initializationOptions"));
      scope(workspaceFolders?.map((it) => it.uri) ?? (rootUri ? [rootUri] : []));
    },
    changeSettings(params) {
      const { settings } = parsed(ChangedSettings, params, "settings");
      const section = client === "editor" ? sectionOf(settings) : settings;
      if (section === null) return;
      session.configure(parsed(ClientSettings, section, "settings"));
    },
    changeFolders(params) {
      const { added, removed } = parsed(ChangedFolders, params, "event").event;
      const gone = new Set(removed.map((it) => it.uri));
      scope([...new Set([...folders.filter((it) => !gone.has(it)), ...added.map((it) => it.uri)])]);
    },
  };
}

/** Editors send a table of settings by section, or the section alone, or an empty table for "nothing to say", which must not undo anything. */
function sectionOf(settings: unknown): unknown {
  const table = z.record(z.string(), z.unknown()).safeParse(settings ?? {});
  if (!table.success) return settings;
  if (table.data.tandem !== undefined) return table.data.tandem;
  return Object.keys(table.data).length === 0 ? null : settings;
}
