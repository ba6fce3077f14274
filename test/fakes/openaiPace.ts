/** How fast the fake is, on a clock of the test's: nothing waits for real unless the clock does. */
export interface Pace {
  readonly prefillPerSecond: number;
  readonly decodePerSecond: number;
  /** Before anything else is answered, counted from the first request for text. */
  readonly loadMs?: number;
  /** Resolves after that much of the test's time, or when the signal fires. */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** The slots of a llama-server, as its `/slots` shows them; it knows no more slots than tasks that run. */
export interface Slots {
  /** Takes one until what it returns is called. */
  take(): () => void;
  body(): readonly object[];
}

export function createSlots(count: number, contextTokens: number): Slots {
  const tasks: (number | null)[] = Array.from({ length: count }, () => null);
  let lastTask = 0;
  return {
    take() {
      const free = tasks.indexOf(null);
      const at = free < 0 ? tasks.push(null) - 1 : free;
      tasks[at] = ++lastTask;
      return () => {
        tasks[at] = null;
      };
    },
    body: () =>
      tasks.map((task, id) => {
        const common = { id, n_ctx: contextTokens, speculative: false, is_processing: task !== null };
        return task === null ? common : { ...common, id_task: task, n_prompt_tokens: 1, params: {}, next_token: [] };
      }),
  };
}
