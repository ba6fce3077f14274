import { registry } from "../protocol/registry.ts";
import { models, pull } from "../protocol/requests.ts";
import type { Client } from "./client.ts";
import type { Out, Printer } from "./printer.ts";
import { otherLines } from "./registry.ts";
import { align } from "./table.ts";

/** The catalogue as a table: what each model is for, its size, and what is here. */
export async function listModels(client: Client, out: Out, isJson: boolean, signal: AbortSignal): Promise<void> {
  const [list, all] = await Promise.all([
    client.send(models, {}, () => undefined, signal),
    client.send(registry, { look: true }, () => undefined, signal),
  ]);
  if (isJson) {
    out.write(`${JSON.stringify({ ...list, registry: all })}\n`);
    return;
  }
  const rows = list.models.map((it) => {
    const marks = [
      it.isChosen ? "chosen for this machine" : "",
      it.isCached ? "downloaded" : "",
      it.isTrial ? "for trying out only" : "",
    ].filter((mark) => mark !== "");
    return [
      it.id,
      it.roles.join("+"),
      `${it.parametersB ?? "?"} B`,
      it.quantisation ?? "",
      `${(it.bytes / 1e9).toFixed(2)} GB`,
      it.licence,
      marks.join(", "),
    ];
  });
  for (const row of align([["model", "for", "size", "quant", "file", "licence", ""], ...rows])) out.write(`${row}\n`);
  for (const line of otherLines(all)) out.write(`${line}\n`);
  out.write(
    `\nModels lie in ${list.cacheFolder}\nFetch one: tandem models pull MODEL. Use one: --model MODEL, or any GGUF: --model file:PATH\n`,
  );
}

/** `shown` has the printer that also tells of a failure: its bar must end with either. */
export async function pullModel(id: string, client: Client, shown: PullShown, signal: AbortSignal): Promise<void> {
  const { out, printer, isJson } = shown;
  const got = await client.send(pull, { model: id }, printer.event, signal);
  out.write(isJson ? `${JSON.stringify({ kind: "result", result: got })}\n` : `${got.model.label} is at ${got.path}\n`);
}

export interface PullShown {
  readonly out: Out;
  readonly printer: Printer;
  readonly isJson: boolean;
}
