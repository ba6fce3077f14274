import type { EngineView } from "../route.ts";

/** What a request wants of a model. */
export type Use = "write" | "embed";

/**
 * The engine that has the model of this name: its id or its label, as `/v1/models` and the status say them. Of several, one
 * meant for the use, then one that is loaded, then the one with the least to do. Null when none has it.
 */
export function findNamed(engines: readonly EngineView[], name: string, use: Use): EngineView | null {
  const [best] = engines
    .filter(({ id, roles, model }) => {
      // Opened under this name by an earlier request; the loaded model may go by another.
      const isPinned = roles.length === 0 && id === name;
      return isPinned || [model.id, model.label].includes(name) || model.id === `${name}:latest`;
    })
    .toSorted(
      (a, b) =>
        Number(fits(b, use)) - Number(fits(a, use)) ||
        Number(b.isResident) - Number(a.isResident) ||
        a.load / a.slots - b.load / b.slots,
    );
  return best ?? null;
}

function fits({ roles }: EngineView, use: Use): boolean {
  const isEmbedder = roles.includes("embed");
  return use === "embed" ? isEmbedder : !isEmbedder || roles.length > 1;
}
