import assert from "node:assert/strict";
import { test } from "node:test";
import { childEnvironment, pinTo } from "../../server/backends/pin.ts";
import { TandemError } from "../../server/errors.ts";

const cases: readonly { device: string; gpu: string; cuda: string | undefined; vulkan: string | undefined }[] = [
  { device: "cpu", gpu: "none", cuda: "-1", vulkan: undefined },
  { device: "auto", gpu: "auto", cuda: undefined, vulkan: undefined },
  { device: "metal", gpu: "metal", cuda: undefined, vulkan: undefined },
  { device: "cuda:0", gpu: "cuda", cuda: "0", vulkan: undefined },
  { device: "cuda:3", gpu: "cuda", cuda: "3", vulkan: undefined },
  { device: "vulkan:1", gpu: "vulkan", cuda: "-1", vulkan: "1" },
  { device: "gpu:2", gpu: "auto", cuda: "2", vulkan: "2" },
];

for (const it of cases)
  test(`pin: ${it.device}`, () => {
    const { gpu, env } = pinTo(it.device);
    assert.equal(gpu, it.gpu);
    assert.equal(env.CUDA_VISIBLE_DEVICES, it.cuda);
    assert.equal(env.GGML_VK_VISIBLE_DEVICES, it.vulkan);
    assert.equal(env.CUDA_DEVICE_ORDER, it.cuda === undefined ? undefined : "PCI_BUS_ID");
  });

test("pin: an unknown device", () => {
  assert.throws(
    () => pinTo("tpu:0"),
    (error) => error instanceof TandemError && error.code === "not-configured",
  );
});

test("the child's environment: the user's, without what is meant for this process, the pin on top", () => {
  const own = {
    PATH: "/bin",
    HOME: "/home/u",
    LD_LIBRARY_PATH: "/opt/cuda",
    CUDA_VISIBLE_DEVICES: "7",
    NODE_OPTIONS: "--inspect",
    TANDEM_DRAFT_API_KEY: "secret",
    NODE_CHANNEL_FD: "3",
    VSCODE_INSPECTOR_OPTIONS: "{}",
    ELECTRON_NO_ATTACH_CONSOLE: "1",
    EMPTY: undefined,
  };
  const plain = { PATH: "/bin", HOME: "/home/u", LD_LIBRARY_PATH: "/opt/cuda" };
  const pin = { gpu: "cuda", env: { CUDA_VISIBLE_DEVICES: "0" } } as const;
  assert.deepEqual(childEnvironment(own, { isElectron: false, pin }), { ...plain, CUDA_VISIBLE_DEVICES: "0" });
  assert.equal(childEnvironment(own, { isElectron: true, pin }).ELECTRON_RUN_AS_NODE, "1");
});
