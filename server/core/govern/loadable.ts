/** What a load takes of one memory: a GPU's by its uuid, or main memory by the name "cpu". */
export interface Need {
  readonly device: string;
  readonly bytes: number;
}

/** One way to load a model: which devices it takes, and how much of each. */
export interface Option {
  /** Devices joined by "+": "GPU-…", "GPU-…+GPU-…" for one model on two cards, "cpu". Unique among the options of a model. */
  readonly id: string;
  /** Empty: it takes no memory of this machine (a server that is there already). */
  readonly needs: readonly Need[];
  /** One sentence: why this place, and from where the figures are ("from its file, corrected by 3 loads"). */
  readonly why: string;
}

/**
 * A model with all the options that decide what is loaded. Two requests that agree in them have the same `key` and share it, so that no
 * two features load one model against each other.
 */
export interface Loadable {
  readonly key: string;
  readonly label: string;
  /** Embedders and rerankers may go to the processor under pressure; writers are unloaded. */
  readonly kind: "writer" | "embedder" | "reranker";
  /** Where it can run, the best first. Never empty. */
  readonly options: readonly Option[];
  /** Requests that it answers at once. */
  readonly slots: number;
  /** What loading it takes, as measured, or as reckoned from its size. */
  readonly loadMs: number;
  /** How much it hurts to be without it; 1 for all unless the user says otherwise. */
  readonly weight: number;
}
