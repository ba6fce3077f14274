import type { Line, Order } from "../../extension/deliver.ts";
import type { Mortal } from "../../extension/life.ts";
import type { AnyRequest } from "../../server/protocol/define.ts";
import type { Moving } from "../../server/protocol/service.ts";

/** The orchestrator's end of one connection, for a test to play: it answers, leaves and dies when told. */
export interface Played extends Line, Mortal {
  readonly orders: readonly Order<AnyRequest>[];
  /** The next order that arrives, or that has arrived and was not taken yet. */
  order(): Promise<Arrived>;
  move(message: string): void;
  /** It ends, and whatever it was asked stays unanswered. */
  die(reason: string): void;
  readonly isDisposed: boolean;
}

export interface Arrived {
  readonly order: Order<AnyRequest>;
  answer(result: unknown): void;
  refuse(error: Error): void;
}

/** `lost`: what a request is rejected with when the connection ends under it. */
export function playOrchestrator(lost: () => Error): Played {
  const moving = Promise.withResolvers<Moving>();
  const gone = Promise.withResolvers<string>();
  const orders: Order<AnyRequest>[] = [];
  const waiting: ((arrived: Arrived) => void)[] = [];
  const arrivals: Arrived[] = [];
  const open = new Set<(error: Error) => void>();
  let isDisposed = false;
  return {
    orders,
    moving: moving.promise,
    gone: gone.promise,
    get isDisposed() {
      return isDisposed;
    },
    send(order) {
      // biome-ignore lint/suspicious/noExplicitAny: the result of any request
      const { promise, resolve, reject } = Promise.withResolvers<any>();
      orders.push(order);
      open.add(reject);
      const arrived = { order, answer: resolve, refuse: reject };
      const taker = waiting.shift();
      if (taker) taker(arrived);
      else arrivals.push(arrived);
      return promise;
    },
    async order() {
      return arrivals.shift() ?? (await new Promise((resolve) => waiting.push(resolve)));
    },
    move: (message) => moving.resolve({ reason: "stopped", message }),
    die(reason) {
      for (const reject of open) reject(lost());
      gone.resolve(reason);
    },
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      gone.resolve("the window went");
    },
  };
}
