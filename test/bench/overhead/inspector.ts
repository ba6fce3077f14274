import { once } from "node:events";
import { WebSocket } from "undici";
import { z } from "zod";

/** What can be asked of another Node process by its inspector. */
export interface Inspector extends Disposable {
  /** Bytes of JavaScript's heap that are in use after a full collection. */
  heapBytes(): Promise<number>;
  /** What keeps its event loop alive, by kind. */
  resources(): Promise<Readonly<Record<string, number>>>;
  /** A CPU profile of what happens while `work` runs, as `.cpuprofile` files hold it. */
  profile(work: () => Promise<unknown>): Promise<unknown>;
}

const Targets = z.array(z.object({ webSocketDebuggerUrl: z.string() })).min(1);
const Answer = z.object({ id: z.int(), result: z.unknown() });
const TRIES = 100;
const TRY_MS = 20;

/** Wakes the inspector of a process that was started with `--inspect-port`. */
export async function inspect({ pid, port }: { readonly pid: number; readonly port: number }): Promise<Inspector> {
  process.kill(pid, "SIGUSR1");
  const socket = new WebSocket(await addressOf(port));
  await once(socket, "open");
  let asked = 0;
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener("message", ({ data }) => {
    const { success, data: answer } = Answer.safeParse(JSON.parse(String(data)));
    if (success) waiting.get(answer.id)?.(answer.result);
  });
  const ask = (method: string, params: object = {}): Promise<unknown> => {
    const id = ++asked;
    socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => waiting.set(id, resolve));
  };
  return {
    async heapBytes() {
      await ask("HeapProfiler.collectGarbage");
      return z.object({ usedSize: z.number() }).parse(await ask("Runtime.getHeapUsage")).usedSize;
    },
    async resources() {
      const expression = "JSON.stringify(process.getActiveResourcesInfo())";
      const { result } = Evaluated.parse(await ask("Runtime.evaluate", { expression }));
      const kinds: Record<string, number> = {};
      for (const kind of z.array(z.string()).parse(JSON.parse(result.value))) kinds[kind] = (kinds[kind] ?? 0) + 1;
      return kinds;
    },
    async profile(work) {
      await ask("Profiler.enable");
      await ask("Profiler.setSamplingInterval", { interval: 200 });
      await ask("Profiler.start");
      await work();
      return z.object({ profile: z.unknown() }).parse(await ask("Profiler.stop")).profile;
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

const Evaluated = z.object({ result: z.object({ value: z.string() }) });

async function addressOf(port: number): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      const [target] = Targets.parse(await (await fetch(`http://127.0.0.1:${port}/json/list`)).json());
      if (target) return target.webSocketDebuggerUrl;
    } catch (error) {
      if (tries >= TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, TRY_MS));
    }
  }
}
