import assert from "node:assert/strict";
import { test } from "node:test";
import type { LocalSource } from "../../server/core/assign.ts";
import type { HardwareGpu } from "../../server/core/choose.ts";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import { TandemError } from "../../server/errors.ts";
import { reachable } from "../../server/needs/reachable.ts";
import type { AskReach, ReachWish } from "../../server/ports.ts";

const SOURCE: LocalSource = {
  ...{ kind: "embedded", model: "", use: "write", substitute: null, device: "auto", threads: 1, llamaServer: "" },
  ...{ options: DEFAULT_OPTIONS, contextTokens: null },
  terms: { limitBytes: null, needBytes: null, weight: 1, isDeviceGiven: false },
};
const never = new AbortController().signal;
const whyNot = { message: "no build can", nextStep: "fetch one" };
const all: AskReach = async ({ gpus }) => ({ gpus, whyNot: null });
const none: AskReach = async () => ({ gpus: [], whyNot });
const onlyAmd: AskReach = async ({ gpus: [first] }) =>
  first?.vendor === "amd" ? { gpus: [first], whyNot: null } : { gpus: [], whyNot };

const kept = [
  { name: "of unlike makes those that can be used", gpus: [card(0), card(1, "amd")], ask: onlyAmd, want: ["GPU-1"] },
  { name: "all where all can be used", gpus: [card(0), card(1)], ask: all, want: ["GPU-0", "GPU-1"] },
  { name: "none where none can be used", gpus: [card(0), card(1)], ask: none, want: [] },
];
for (const { name, gpus, ask, want } of kept)
  test(`engines are planned with ${name}`, async () => {
    const found = await look({ device: "auto" }, gpus, ask);
    assert.deepEqual(
      found.hardware.gpus.map((it) => it.uuid),
      want,
    );
    assert.equal(found.whyNot === null, want.length > 0);
  });

const unasked: { name: string; source: Partial<LocalSource>; gpus: HardwareGpu[] }[] = [
  { name: "a machine without GPUs", source: { device: "auto" }, gpus: [] },
  { name: "who wants the processor", source: { device: "cpu", terms: given() }, gpus: [card(0)] },
  { name: "vectors, which are made on the processor", source: { device: "cpu", use: "embed" }, gpus: [card(0)] },
  { name: "no layers on GPUs", source: { options: { ...DEFAULT_OPTIONS, gpuLayers: 0 } }, gpus: [card(0)] },
];
for (const { name, source, gpus } of unasked)
  test(`no engine is asked for ${name}`, async () => {
    const ask: AskReach = () => assert.fail("an engine was asked");
    assert.equal((await look(source, gpus, ask)).whyNot, null);
  });

test("what is asked is the named card alone, of the program that is to run the model", async () => {
  const asked: ReachWish[] = [];
  const ask: AskReach = async (wish) => {
    asked.push(wish);
    return { gpus: wish.gpus, whyNot: null };
  };
  const source = { device: "gpu:1", terms: given(), llamaServer: "/opt/llama-server" };
  await look(source, [card(0), card(1)], ask);
  assert.deepEqual(asked, [{ executable: "/opt/llama-server", device: "gpu:1", gpus: [card(1)] }]);
});

const refused = [
  {
    name: "no build can use it",
    device: "gpu:0",
    ask: none,
    says: /^Qwen cannot run on gpu:0: no build can$/,
    next: /^fetch one$/,
  },
  { name: "no reading shows it", device: "vulkan:3", ask: none, says: /on vulkan:3: no build can/, next: /fetch one/ },
  {
    ...{ name: "there are fewer", device: "cuda:7", ask: all },
    says: /^The device "cuda:7" is not there: there is no card 7; there are 0 \(Card 0\) and 1 \(Card 1\)$/,
    next: /^Set the device to "cuda:0" or "cuda:1", or to "auto"$/,
  },
];
for (const { name, device, ask, says, next } of refused)
  test(`a device that is named is refused before anything is loaded: ${name}`, async () => {
    const failure = await look({ device, terms: given() }, [card(0), card(1)], ask).then(
      () => assert.fail("it is planned with"),
      (error: unknown) => error,
    );
    assert.ok(failure instanceof TandemError && failure.code === "not-configured", String(failure));
    assert.match(failure.message, says);
    assert.match(failure.nextStep, next);
  });

function look(source: Partial<LocalSource>, gpus: readonly HardwareGpu[], ask: AskReach) {
  const hardware = { ramBytes: 32e9, cores: 8, gpus };
  return reachable({ source: { ...SOURCE, ...source }, label: "Qwen", hardware }, ask, never);
}

function given() {
  return { ...SOURCE.terms, isDeviceGiven: true };
}

function card(index: number, vendor: "nvidia" | "amd" = "nvidia"): HardwareGpu {
  return { id: `gpu:${index}`, uuid: `GPU-${index}`, vendor, index, name: `Card ${index}`, vramBytes: 24e9 };
}
