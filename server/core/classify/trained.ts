import { type LinearModel, unpack } from "./linear.ts";
import { BIAS, SCALE, WEIGHTS } from "./weights.ts";

let model: LinearModel | undefined;

/** The model that comes with Tandem; unpacked with its first use, which takes a few milliseconds. */
export function trained(): LinearModel {
  model ??= { weights: unpack(WEIGHTS), bias: BIAS, scale: SCALE };
  return model;
}
