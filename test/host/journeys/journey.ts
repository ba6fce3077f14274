import type { Cast, Scene } from "../stage.ts";

/** One story of a user, from a fresh VS Code with the package installed to a file on the disk. */
export interface Journey {
  readonly title: string;
  /** Brings about what the story needs, plays it, and takes it all down again. */
  play(perform: Perform, signal: AbortSignal): Promise<void>;
}

/** Opens VS Code on the scene and acts in it. */
export type Perform = (scene: Scene, act: (cast: Cast) => Promise<void>) => Promise<void>;
