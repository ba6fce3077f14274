import type { EngineUse, Finding } from "../server/protocol/run.ts";
import type { Seam } from "../server/protocol/traffic.ts";

/** What the extension tells the answer view. Everything since the last `begin` makes up what is shown. */
export type ToView =
  | { readonly kind: "begin"; readonly title: string; readonly question: string; readonly source: string | null }
  /** What happens before or beside the text, in plain words. */
  | { readonly kind: "progress"; readonly message: string }
  | { readonly kind: "more"; readonly text: string }
  /** A provider in the cloud may see the request from here on: the answer is marked. */
  | { readonly kind: "cloud"; readonly host: string }
  /** Another engine goes on behind the text so far. */
  | { readonly kind: "seam"; readonly seam: Seam }
  /** The text so far is dropped; another attempt follows. */
  | { readonly kind: "again" }
  | {
      readonly kind: "end";
      readonly markdown: string;
      readonly findings: readonly Finding[];
      readonly notices: readonly string[];
      /** Where other engines went on. */
      readonly seams: readonly Seam[];
      readonly use: EngineUse;
      readonly totalMs: number;
      /** As of the result. */
      readonly cloud: string | null;
    }
  | { readonly kind: "failed"; readonly message: string; readonly nextStep: string }
  /** All of the above again, for a view that was hidden meanwhile. */
  | { readonly kind: "replay"; readonly messages: readonly ToView[] };

/** What the answer view asks of the extension. Lines are one-based, ends inclusive. */
export type FromView =
  | { readonly kind: "ready" }
  | { readonly kind: "open"; readonly path: string | null; readonly line: number; readonly endLine: number }
  | { readonly kind: "copy"; readonly text: string }
  | { readonly kind: "insert"; readonly text: string }
  | { readonly kind: "stop" }
  | { readonly kind: "runAgain" };
