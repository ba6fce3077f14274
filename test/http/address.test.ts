import assert from "node:assert/strict";
import { test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import { bindAddress, inUrl, isLoopback, readHost } from "../../server/transport/http/address.ts";

const headers: readonly { header: string; want: ReturnType<typeof readHost> }[] = [
  { header: "localhost", want: { name: "localhost", port: "" } },
  { header: "LocalHost:8765", want: { name: "localhost", port: "8765" } },
  { header: "127.0.0.1:80", want: { name: "127.0.0.1", port: "80" } },
  { header: "[::1]:8765", want: { name: "::1", port: "8765" } },
  { header: "[::1]", want: { name: "::1", port: "" } },
  { header: "box.example.org.:1", want: { name: "box.example.org", port: "1" } },
  { header: "", want: null },
  { header: "::1", want: null },
  { header: "localhost:", want: null },
  { header: "localhost:123456", want: null },
  { header: "localhost@evil.example", want: null },
  { header: "evil.example/localhost", want: null },
  { header: "localhost, evil.example", want: null },
  { header: "[::1", want: null },
];
for (const it of headers)
  test(`the Host header ${JSON.stringify(it.header)}`, () => assert.deepEqual(readHost(it.header), it.want));

const addresses: readonly [string, boolean][] = [
  ["127.0.0.1", true],
  ["127.8.9.10", true],
  ["::1", true],
  ["0.0.0.0", false],
  ["::", false],
  ["192.168.1.2", false],
  ["not an address", false],
];
for (const [address, want] of addresses)
  test(`${address} ${want ? "reaches only this machine" : "is no loopback address"}`, () =>
    assert.equal(isLoopback(address), want));

test("an address is what it says, in brackets or not", async () => {
  assert.deepEqual(await bindAddress("127.0.0.1"), { address: "127.0.0.1", isLoopback: true });
  assert.deepEqual(await bindAddress("[::1]"), { address: "::1", isLoopback: true });
  assert.deepEqual(await bindAddress("0.0.0.0"), { address: "0.0.0.0", isLoopback: false });
  assert.equal((await bindAddress("localhost")).isLoopback, true);
});

for (const name of ["no such name", "", "[]"])
  test(`${JSON.stringify(name)} has no address, and is refused with a next step`, async () => {
    const failure = await bindAddress(name).catch((error: unknown) => error);
    assert.ok(failure instanceof TandemError);
    assert.equal(failure.code, "bad-input");
  });

test("IPv6 stands in brackets in a URL", () => {
  assert.equal(inUrl("::1"), "[::1]");
  assert.equal(inUrl("127.0.0.1"), "127.0.0.1");
});
