import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createInstance } from "../../server/instance.ts";

/** Who stands between the client and the backend, in a process of its own. */
export interface Contender {
  readonly name: "direct" | "nginx" | "node:http" | "tandem";
  readonly url: string;
  readonly key: string;
  /** Its process; null: there is nobody in between. */
  readonly pid: number | null;
}

export interface Contenders extends AsyncDisposable {
  readonly all: readonly Contender[];
  /** Where its inspector listens once SIGUSR1 has woken it. */
  readonly inspectorPort: number;
}

const SERVER = join(import.meta.dirname, "..", "..", "..", "server");
const CLI = join(SERVER, "cli.ts");

/** A backend, and what can be asked instead of it; disposing ends all of them. */
export async function startContenders(): Promise<Contenders> {
  await using starting = new AsyncDisposableStack();
  const contenders = await start(starting);
  const started = starting.move();
  return { ...contenders, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

async function start(started: AsyncDisposableStack): Promise<Omit<Contenders, keyof AsyncDisposable>> {
  const backend = await startNode(["backend.ts"], started);
  const bare = await startNode(["passThrough.ts", backend.url], started);
  const nginx = await startNginx(new URL(backend.url), started);
  const { tandem, inspectorPort } = await startTandem(backend.url, started);
  return {
    all: [
      { name: "direct", key: "none", ...backend, pid: null },
      { name: "nginx", key: "none", ...nginx },
      { name: "node:http", key: "none", ...bare },
      tandem,
    ],
    inspectorPort,
  };
}

interface Running {
  readonly url: string;
  readonly pid: number;
}

async function startNode([program = "", ...args]: readonly string[], started: AsyncDisposableStack): Promise<Running> {
  const child = spawn(process.execPath, [join(import.meta.dirname, program), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  endWith(started, child);
  for await (const line of createInterface({ input: child.stdout })) return { url: line, pid: child.pid ?? 0 };
  throw new Error(`${program} ended before it listened`);
}

/** As one sets it up before a server that streams: nothing held back, connections kept. */
async function startNginx(backend: URL, started: AsyncDisposableStack): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-nginx-"));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (it) => `${it}_temp_path ${folder}/${it};`,
  );
  const config = `
    daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log crit;
    events { worker_connections 512; }
    http {
      access_log off; ${temporary.join(" ")}
      keepalive_requests 1000000;
      upstream backend { server ${backend.host}; keepalive 64; keepalive_requests 1000000; }
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
        }
      }
    }`;
  const file = join(folder, "nginx.conf");
  await writeFile(file, config);
  const child = spawn("nginx", ["-p", folder, "-c", file], { stdio: ["ignore", "inherit", "inherit"] });
  endWith(started, child);
  const url = `http://127.0.0.1:${port}`;
  await until(() =>
    fetch(`${url}/v1/models`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return { url, pid: child.pid ?? 0 };
}

/** The product: the orchestrator, started by hand so that its inspector can be woken, and `tandem serve`. */
async function startTandem(backend: string, started: AsyncDisposableStack) {
  const instance = started.use(await createInstance({ TANDEM_GRACE_MS: "60000" }));
  const inspectorPort = await freePort();
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith("TANDEM_"));
  const env = {
    ...Object.fromEntries(ours),
    ...instance.env,
    TANDEM_DRAFT_ENDPOINT: backend,
    TANDEM_PROBE_LOOPBACK: "false",
  };
  const main = [`--inspect-port=127.0.0.1:${inspectorPort}`, join(SERVER, "main.ts"), "--shared"];
  endWith(started, spawn(process.execPath, main, { env, stdio: "ignore" }));
  await until(async () => (await instance.pid()) !== null);
  const serving = spawn(process.execPath, [CLI, "serve", "--port", "0"], { env, stdio: ["ignore", "pipe", "inherit"] });
  endWith(started, serving);
  for await (const line of createInterface({ input: serving.stdout })) {
    const [, url, pid] = /Listening on (\S+)\/v1 \(process (\d+)\)/.exec(line) ?? [];
    if (url === undefined) continue;
    const tandem: Contender = { name: "tandem", url, key: await keyOf(env), pid: Number(pid) };
    return { tandem, inspectorPort };
  }
  throw new Error("tandem serve ended before it listened");
}

async function keyOf(env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(process.execPath, [CLI, "key"], { env, stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error("there is no key");
}

function endWith(started: AsyncDisposableStack, child: ChildProcess): void {
  started.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill();
    await once(child, "exit");
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

const TRIES = 100;
const TRY_MS = 50;

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    if (tries >= TRIES) throw new Error("it did not start");
    await new Promise((resolve) => setTimeout(resolve, TRY_MS));
  }
}
