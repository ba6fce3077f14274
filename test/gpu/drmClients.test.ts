import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readAmdOnce } from "../../server/gpu/amd.ts";
import { createDrmClients, parseClient } from "../../server/gpu/drmClients.ts";

const GIB = 1024 ** 3;
const POSIX = { skip: process.platform === "win32" };

/** As amdgpu writes them since Linux 5.14 (drm-memory) and 6.13 (drm-resident); the kernel's documentation names each key. */
const client = (changes: Readonly<Record<string, string>> = {}) =>
  Object.entries({
    pos: "0",
    flags: "02100002",
    "drm-driver": "amdgpu",
    "drm-client-id": "42",
    "drm-pdev": "0000:03:00.0",
    "drm-memory-vram": "2097152 KiB",
    "drm-memory-gtt": "12 KiB",
    "drm-engine-gfx": "123456 ns",
    ...changes,
  })
    .map(([key, value]) => `${key}:\t${value}`)
    .join("\n");

for (const [name, changes, want] of [
  ["as older kernels write it", {}, ["0000:03:00.0", "42", 2 * GIB]],
  ["as newer ones do", { "drm-resident-vram": "3 GiB", "drm-total-vram": "4 GiB" }, ["0000:03:00.0", "42", 3 * GIB]],
  ["in bytes", { "drm-memory-vram": "1024" }, ["0000:03:00.0", "42", 1024]],
  ["another driver", { "drm-driver": "i915" }, null],
  ["a unit there is not", { "drm-memory-vram": "12 parsecs" }, null],
  ["a negative share", { "drm-memory-vram": "-4 KiB" }, null],
] as const)
  test(`an open card: ${name}`, () => {
    const found = parseClient(client(changes));
    assert.deepEqual(found && [found.slot, found.id, found.bytes], want);
  });

/** A /proc with these processes: by pid its name and what each of its files is. */
async function procOf(processes: Readonly<Record<string, readonly (readonly [link: string, info: string])[]>>) {
  const root = await mkdtemp(join(tmpdir(), "tandem-proc-"));
  const put = async (pid: string, files: readonly (readonly [string, string])[]) => {
    for (const folder of ["fd", "fdinfo"]) await mkdir(join(root, pid, folder), { recursive: true });
    await writeFile(join(root, pid, "comm"), `program-${pid}\n`);
    for (const [nth, [link, info]] of files.entries()) {
      await symlink(link, join(root, pid, "fd", String(nth)));
      await writeFile(join(root, pid, "fdinfo", String(nth)), info);
    }
  };
  for (const [pid, files] of Object.entries(processes)) await put(pid, files);
  return { root, put, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

test(
  "who holds a card's memory: each client once, the largest first, and nobody who has it not open",
  POSIX,
  async () => {
    const RENDER = "/dev/dri/renderD128";
    await using proc = await procOf({
      "100": [
        ["/dev/null", ""],
        [RENDER, client()],
        [RENDER, client()],
      ],
      "200": [
        [RENDER, client({ "drm-client-id": "1", "drm-memory-vram": "1048576 KiB" })],
        [RENDER, client({ "drm-client-id": "2", "drm-memory-vram": "3145728 KiB" })],
        [RENDER, client({ "drm-client-id": "3", "drm-pdev": "0000:09:00.0", "drm-memory-vram": "1024" })],
      ],
      "300": [["/home/dev/dri", client()]],
      self: [[RENDER, client()]],
    });
    const found = await createDrmClients(proc.root).read();
    assert.deepEqual(found.get("0000:03:00.0"), [
      { pid: 200, name: "program-200", bytes: 4 * GIB },
      { pid: 100, name: "program-100", bytes: 2 * GIB },
    ]);
    assert.deepEqual(found.get("0000:09:00.0"), [{ pid: 200, name: "program-200", bytes: 1024 }]);
  },
);

test("a process that opens a card later is found, and one that closed it is not", POSIX, async () => {
  await using proc = await procOf({ "100": [], "200": [["/dev/dri/card1", client()]] });
  const clients = createDrmClients(proc.root);
  const pids = async () => ((await clients.read()).get("0000:03:00.0") ?? []).map((it) => it.pid);
  assert.deepEqual(await pids(), [200]);
  await proc.put("100", [["/dev/dri/card1", client()]]);
  await rm(join(proc.root, "200"), { recursive: true });
  assert.deepEqual(await pids(), [100]);
  await proc.put("300", []);
  for (let nth = 0; nth < 4; nth++) assert.deepEqual(await pids(), [100]);
  await proc.put("300", [["/dev/dri/card1", client()]]);
  const seen: number[][] = [];
  for (let nth = 0; nth < 6; nth++) seen.push(await pids());
  assert.ok(
    seen.some((it) => it.includes(300)),
    "with one of the next looks at everybody",
  );
});

test("a card's reading names who holds its memory; where nobody can be seen it is not known", POSIX, async () => {
  const root = await mkdtemp(join(tmpdir(), "tandem-drm-"));
  try {
    const device = join(root, "0000:03:00.0");
    await mkdir(device);
    await mkdir(join(root, "drm", "card1"), { recursive: true });
    await symlink(device, join(root, "drm", "card1", "device"));
    for (const [name, text] of [
      ["vendor", "0x1002"],
      ["mem_info_vram_total", String(24 * GIB)],
      ["mem_info_vram_used", String(6 * GIB)],
    ] as const)
      await writeFile(join(device, name), text);
    const holder = { pid: 7, name: "llama-server", bytes: 5 * GIB };
    const read = async (holders: ReadonlyMap<string, readonly (typeof holder)[]>) => {
      const [report] = await readAmdOnce({ root: join(root, "drm"), holders });
      return report?.kind === "reading" ? report.gpu.processes : "none";
    };
    assert.deepEqual(await read(new Map([["0000:03:00.0", [holder]]])), [holder]);
    assert.equal(await read(new Map([["0000:09:00.0", [holder]]])), null);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test("a folder that is not there is nobody", async () => {
  assert.equal((await createDrmClients("/nowhere/proc").read()).size, 0);
});
