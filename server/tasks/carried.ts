import type { GenerateRequest, Piece } from "../ports.ts";
import type { Seam } from "../protocol/traffic.ts";
import type { Lease } from "../slot/lease.ts";

/** A piece, or word that another engine goes on: nothing before it is taken back, nothing is said twice. */
export type CarriedPiece = Piece | { readonly kind: "seam"; readonly seam: Seam };

/** A turn that outlives its engine: where that fails, the next of the chain goes on after the text that is there. */
export interface Carried extends Disposable {
  /** The turn on the engine that writes at the moment. */
  readonly lease: Lease;
  /** Throws as `Engine.generate` does, once no engine is left that could go on. */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<CarriedPiece>;
}

/** A turn on one engine, with nobody to go on after it. */
export function carriedBy(lease: Lease): Carried {
  return {
    lease,
    generate: (request, signal) => lease.engine.generate(request, signal),
    [Symbol.dispose]: () => lease[Symbol.dispose](),
  };
}
