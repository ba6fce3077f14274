/** Apart from what simulates, which only `tandem simulate` reads. */
export const SIMULATE_FLAGS = { list: { type: "boolean" }, trace: { type: "boolean" } } as const;
