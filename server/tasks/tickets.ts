import { TandemError } from "../errors.ts";

/** The names that a client gave its runs, to end their audits with. One per session: no client knows another's. */
export interface Tickets {
  /** Throws TandemError bad-input where a run with that name is under way, or there are too many. */
  open(name: string): Ticket;
  /** False: no run with that name is under way. */
  accept(name: string): boolean;
}

export interface Ticket extends Disposable {
  /** Fires when the client takes the draft as it is. */
  readonly accepted: AbortSignal;
}

/** More runs at once than any client has. */
const MOST_TICKETS = 64;

export function createTickets(): Tickets {
  const open = new Map<string, AbortController>();
  return {
    open(name) {
      if (open.has(name))
        throw new TandemError(
          "bad-input",
          `A run has the ticket "${name}" already`,
          "Give every run a ticket of its own",
        );
      if (open.size >= MOST_TICKETS)
        throw new TandemError(
          "bad-input",
          `${MOST_TICKETS} runs have a ticket already`,
          "Wait until one of them is done",
        );
      const accepted = new AbortController();
      open.set(name, accepted);
      return { accepted: accepted.signal, [Symbol.dispose]: () => void open.delete(name) };
    },
    accept(name) {
      const accepted = open.get(name);
      accepted?.abort();
      return accepted !== undefined;
    },
  };
}
