import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createCalibration } from "../../server/calibration/calibration.ts";
import type { LocalSource } from "../../server/core/assign.ts";
import { GPU_RESERVE_BYTES, type HardwareGpu } from "../../server/core/choose.ts";
import { DRIVER_BYTES } from "../../server/core/estimate.ts";
import type { Need } from "../../server/core/govern/loadable.ts";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import type { LocalSpec } from "../../server/engineSpec.ts";
import { catalogue } from "../../server/models/catalogue.ts";
import { createModelStore } from "../../server/models/store.ts";
import { createNeeds } from "../../server/needs/needs.ts";
import { placeOf } from "../../server/places.ts";
import type { AskReach } from "../../server/ports.ts";
import { Config } from "../../server/protocol/config.ts";
import { fakeEngines } from "../fakes/engines.ts";
import { silentLog } from "../fakes/log.ts";
import { modelShapes } from "../setup/modelShapes.ts";
import { writeSparseModel } from "../setup/sparseModel.ts";

const GIB = 1024 ** 3;
const never = new AbortController().signal;
let folder: string;
let path: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-needs-"));
  path = join(folder, "qwen.gguf");
  await writeSparseModel(path, modelShapes.qwen7b);
});
after(async () => {
  await Promise.all(written);
  await rm(folder, { recursive: true, force: true });
});

/** Nobody waits for what is remembered of a load, but the folder must not go before. */
const written: Promise<void>[] = [];

test("one card: the engine is told the card by its uuid and to put all layers there", async () => {
  const { loadable, opened, waysToFit } = await machine({ gpus: [card(0, 24, "auto")] }).prepared({});
  assert.deepEqual(
    loadable.options.map((it) => it.id),
    ["GPU-0"],
  );
  assert.equal(waysToFit(), null);
  const spec = await opened();
  assert.deepEqual(
    [spec.device, spec.cards, spec.options.gpuLayers, spec.contextTokens],
    ["auto", [{ uuid: "GPU-0", vendor: "nvidia", index: 0, share: 1 }], "all", 8_192],
  );
  // Weights of 4.68 GB less the embedding, 8,192 tokens of keys and values, buffers and the driver's own, and a tenth.
  const [gpu, cpu] = loadable.options[0]?.needs ?? [];
  assert.ok(gpu && gpu.bytes > 5 * GIB && gpu.bytes < 6.5 * GIB, String(gpu?.bytes));
  assert.ok(cpu?.device === "cpu" && cpu.bytes < 0.7 * GIB);
});

test("a llama-server's slots are each as long as asked for, and it answers so many at once", async () => {
  const source = { llamaServer: "/opt/llama-server", contextTokens: 4_096, options: { ...DEFAULT_OPTIONS, slots: 3 } };
  const { loadable, opened } = await machine({ gpus: [card(0, 24, "auto")] }).prepared(source);
  assert.equal(loadable.slots, 3);
  const spec = await opened();
  assert.equal(spec.contextTokens, 12_288);
});

test("a model that drafts ahead and an adapter take their part", async () => {
  const own = { llamaServer: "/opt/llama-server" };
  const gpu = async (...extraArguments: readonly string[]) => {
    const options = { ...DEFAULT_OPTIONS, extraArguments };
    const { loadable } = await machine({ gpus: [card(0, 24, "auto")] }).prepared({ ...own, options });
    return loadable.options[0]?.needs[0]?.bytes ?? 0;
  };
  const adapter = join(folder, "adapter.gguf");
  await writeFile(adapter, Buffer.alloc(10 << 20));
  const alone = await gpu();
  const adapted = await gpu("--lora-scaled", `${adapter}:0.5`);
  assert.ok(Math.abs(adapted - alone - 1.1 * (10 << 20)) < 2 && alone > 0);
  const drafted = await gpu("--model-draft", path);
  assert.ok(drafted > alone * 1.7 && drafted < alone * 2, `${drafted / alone}`);
  assert.equal(await gpu("--model-draft", "/nowhere.gguf"), alone);
});

test("what is too large for one card goes over two, each named with its share", async () => {
  const { loadable, opened } = await machine({ gpus: [card(0, 7), card(1, 7)] }).prepared({});
  assert.deepEqual(
    loadable.options.map((it) => it.id),
    ["GPU-0+GPU-1"],
  );
  const { device, cards } = await opened();
  assert.deepEqual([device, cards.map((it) => it.share)], ["gpu:0+gpu:1", [0.5, 0.5]]);
});

test("what fits nowhere whole says how it would, and runs with fewer layers on the card", async () => {
  const { loadable, opened, waysToFit } = await machine({ gpus: [card(0, 6, "auto")] }).prepared({});
  assert.equal(loadable.options[0]?.id, "GPU-0+cpu");
  const { options } = await opened();
  assert.ok(typeof options.gpuLayers === "number" && options.gpuLayers > 5 && options.gpuLayers < 29);
  assert.match(waysToFit() ?? "", /^It would fit .*(layers on the GPU \(\d|as qwen2.5-coder)/);
});

test("the processor, where there is no GPU", async () => {
  const { loadable, opened } = await machine({ gpus: [] }).prepared({ device: "cpu" });
  assert.deepEqual(
    loadable.options.map((it) => it.id),
    ["cpu"],
  );
  const { device, cards, options } = await opened();
  assert.deepEqual([device, cards, options.gpuLayers], ["cpu", [], 0]);
});

const reachAll: AskReach = async ({ gpus }) => ({ gpus, whyNot: null });
const reachNone: AskReach = async () => ({ gpus: [], whyNot: { message: "no build can", nextStep: "fetch one" } });

test("a GPU that no engine build can use is not planned with: main memory is asked for all of it", async () => {
  const { loadable, opened, notices } = await machine({ gpus: [card(0, 24, "auto")], reach: reachNone }).prepared({});
  const [option, ...others] = loadable.options;
  assert.deepEqual([option?.id, others], ["cpu", []]);
  const [cpu] = option?.needs ?? [];
  assert.ok(cpu?.device === "cpu" && cpu.bytes > 4.6 * GIB, String(cpu?.bytes));
  assert.deepEqual((await opened()).cards, []);
  assert.match(notices.join(), /^The GPU could not be used by any engine build that is here/);
});

test("what the engine says and then what the driver sees correct the next load", async () => {
  const here = machine({ gpus: [card(0, 24, "auto")], held: [{ device: "GPU-0", bytes: 5 * GIB }] });
  const first = await here.prepared({});
  await first.opened();
  const need = async () => (await here.prepared({})).loadable.options[0];
  assert.equal((await need())?.needs[0]?.bytes, 5 * GIB + DRIVER_BYTES);
  here.seen([{ device: "GPU-0", bytes: 5.9 * GIB }]);
  here.seen([{ device: "GPU-0", bytes: 6 * GIB }]);
  const corrected = await need();
  assert.equal(corrected?.needs[0]?.bytes, 6 * GIB);
  assert.match(corrected?.why ?? "", /corrected by 1 load of it, \+\d+\.\d %/);
});

test("a model that came to lie in main memory instead teaches nothing about the card", async () => {
  const here = machine({ gpus: [card(0, 24, "auto")], held: [{ device: "cpu", bytes: 5 * GIB }] });
  await (await here.prepared({})).opened();
  assert.match((await here.prepared({})).loadable.options[0]?.why ?? "", /never measured here/);
});

function card(index: number, gib: number, id = `gpu:${index}`): HardwareGpu {
  return { id, uuid: `GPU-${index}`, vendor: "nvidia", index, name: `${gib} GB card`, vramBytes: gib * GIB };
}

interface Given {
  readonly gpus: readonly HardwareGpu[];
  readonly reach?: AskReach;
  readonly held?: readonly Need[];
}

let machines = 0;

/** A machine with these cards, where engines are not real. */
function machine({ gpus, held, reach = reachAll }: Given) {
  const engines = fakeEngines({});
  const calibration = createCalibration({ folder: join(folder, `state-${++machines}`), log: silentLog });
  const clock = { nowMs: () => 0 };
  let seen: (held: readonly Need[]) => void = () => assert.fail("nobody follows");
  const deps = {
    catalogue,
    registry: { config: () => Config.parse({}), models: () => [], served: async () => null },
    hardware: { ramBytes: 32 * GIB, cores: 8, gpus },
    store: createModelStore({ folder, log: silentLog, clock }),
    reach,
    openEngine: async (...args: Parameters<typeof engines.open>) => {
      const engine = await engines.open(...args);
      return { ...engine, pid: 77, held: held ?? null };
    },
    needs: createNeeds({
      calibration: {
        learnt: () => calibration.learnt(),
        note(noted) {
          const done = calibration.note(noted);
          written.push(done);
          return done;
        },
      },
      clock,
      log: silentLog,
      reserveBytes: () => GPU_RESERVE_BYTES,
      follow: (_pid, onSeen) => {
        seen = onSeen;
      },
    }),
  };
  return {
    seen: (now: readonly Need[]) => seen(now),
    async prepared(source: Partial<LocalSource>) {
      const given = { ...SOURCE, model: `file:${path}`, ...source };
      const notices: string[] = [];
      const place = placeOf({ id: "draft", roles: ["draft"], source: given }, given.model, deps);
      const { loadable, open, waysToFit } = await place.prepare((it) => {
        if (it.kind === "notice") notices.push(it.message);
      }, never);
      return {
        loadable,
        waysToFit,
        notices,
        async opened(): Promise<LocalSpec> {
          const [option] = loadable.options;
          assert.ok(option);
          await open(option, () => undefined, never);
          const spec = engines.opened.at(-1);
          assert.ok(spec);
          return spec;
        },
      };
    },
  };
}

const SOURCE: LocalSource = {
  kind: "embedded",
  model: "",
  use: "write",
  substitute: null,
  device: "auto",
  threads: 1,
  llamaServer: "",
  options: DEFAULT_OPTIONS,
  contextTokens: null,
  terms: { limitBytes: null, needBytes: null, weight: 1, isDeviceGiven: false },
};
