import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** The least a proxy in Node can do: `node passThrough.ts ADDRESS` prints its own address. */
const target = new URL(process.argv[2] ?? "");
const agent = new Agent({ keepAlive: true });
const server = createServer((asked, answer) => {
  const { method, url: path, headers } = asked;
  const upstream = request({ host: target.hostname, port: target.port, method, path, headers, agent }, (reply) => {
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(answer);
  });
  asked.pipe(upstream);
});
server.keepAliveTimeout = 120_000;
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
