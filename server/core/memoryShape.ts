/** What one layer keeps of the tokens it has read. */
export interface LayerMemory {
  readonly weightBytes: number;
  /** Numbers kept per token; 0 where the layer does not attend, or reads what another layer keeps. */
  readonly keyElements: number;
  readonly valueElements: number;
  /** What it looks back at most; null: everything. */
  readonly windowTokens: number | null;
  /** Of a recurrent layer, per sequence, however long that is. */
  readonly stateBytes: number;
}

/** Widths that decide how much a step of the computation needs besides the weights. */
export interface ComputeShape {
  readonly width: number;
  /** All heads together. */
  readonly queryWidth: number;
  readonly keyWidth: number;
  readonly heads: number;
  /** Of one head's keys. */
  readonly headWidth: number;
  /** Of a dense layer; 0: there is none. */
  readonly feedForward: number;
  /** Of one expert, and how many work at a time; 0: no mixture. */
  readonly expertFeedForward: number;
  readonly expertsUsed: number;
  /** Of the experts that work on every token, together. */
  readonly sharedFeedForward: number;
  /** Keys and values come compressed (MLA): their common width, which every head unpacks. */
  readonly latentWidth: number;
  /** Of a recurrent layer; 0: there is none. */
  readonly innerWidth: number;
  readonly convolution: number;
  readonly vocabulary: number;
}

/** A model as far as its need of memory goes. */
export interface EstimatedModel {
  readonly architecture: string;
  /** What it was trained for; null when the file does not say. */
  readonly contextTokens: number | null;
  readonly layers: readonly LayerMemory[];
  /** The token embedding, which llama.cpp keeps in main memory. */
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** The embedding serves as output too: a GPU that has the output layer gets a copy. */
  readonly isOutputTied: boolean;
  /** Bytes of the embedding itself. */
  readonly embeddingBytes: number;
  readonly compute: ComputeShape;
  /** What is not counted exactly, for people. */
  readonly notes: readonly string[];
}
