import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { TandemError } from "../../errors.ts";

/** Where to listen: one address, and how far it reaches. */
export interface BindAddress {
  readonly address: string;
  readonly isLoopback: boolean;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * The address behind a name or a literal. A name that also stands for an address beyond loopback counts as beyond it.
 * Throws TandemError bad-input when there is no such address.
 */
export async function bindAddress(host: string): Promise<BindAddress> {
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  const found = await lookup(bare, { all: true }).catch((cause: unknown) => {
    throw noAddress(host, cause);
  });
  const [first] = found;
  // An empty name is looked up without an error, and listening on it would mean every address there is.
  if (!first) throw noAddress(host);
  return { address: first.address, isLoopback: found.every((it) => isLoopback(it.address)) };
}

function noAddress(host: string, cause?: unknown): TandemError {
  return new TandemError("bad-input", `There is no address ${host}`, "Give an address of this machine: 127.0.0.1", {
    cause,
  });
}

export function isLoopback(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && loopback.check(address, family === 4 ? "ipv4" : "ipv6");
}

/** As it stands in a URL: IPv6 in brackets. */
export function inUrl(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address;
}

/** A `Host` header in its parts; null when it is none. The name comes in lower case, IPv6 without brackets, a final dot dropped. */
export function readHost(header: string): { readonly name: string; readonly port: string } | null {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?$/i.exec(header);
  const name = parts?.[1] ?? parts?.[2];
  if (name === undefined) return null;
  return { name: name.toLowerCase().replace(/\.$/, ""), port: parts?.[3] ?? "" };
}
