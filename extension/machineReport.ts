import type { Disposable } from "vscode";
import * as vscode from "vscode";
import { machineScheme } from "./ids.ts";
import { openAsMarkdown } from "./openMarkdown.ts";

/** The read-only document about the orchestrator's machine: one, that is as new as the last look. */
export interface MachineReport extends Disposable {
  show(markdown: string): Promise<void>;
}

const URI = vscode.Uri.from({ scheme: machineScheme, path: "/This Machine.md" });

export function createMachineReport(): MachineReport {
  let text = "Run *Tandem: Check This Machine* again.\n";
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const registration = vscode.workspace.registerTextDocumentContentProvider(machineScheme, {
    onDidChange: changed.event,
    provideTextDocumentContent: () => text,
  });
  return {
    async show(markdown) {
      text = markdown;
      changed.fire(URI);
      await openAsMarkdown(URI);
    },
    dispose() {
      registration.dispose();
      changed.dispose();
    },
  };
}
