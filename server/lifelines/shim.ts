import { type ChildProcess, spawn } from "node:child_process";
import { killGroup } from "./group.ts";
import { createRegister } from "./register.ts";
import { type FromShim, ToShim } from "./wire.ts";

/**
 * The watchdog of a program that knows nothing of Tandem: starts it, and ends it when the orchestrator has gone, however that died.
 * Argument: the orchestrator's number. It shares stdout and stderr with the program.
 */
const LEAVE_MS = 3_000;
const WATCH_MS = 500;
const SIGNALLED = 128;

const parentPid = Number(process.argv[2]);
let program: ChildProcess | null = null;
let written: Promise<void> = Promise.resolve();
let isEnding = false;

// Two ropes: the channel closes with the orchestrator, and an orphan has another parent.
process.on("disconnect", end);
setInterval(() => {
  if (!hasParent()) end();
}, WATCH_MS);
// When to leave is the orchestrator's decision: Ctrl-C in a terminal reaches the whole group.
process.on("SIGINT", () => {});
for (const name of ["SIGTERM", "SIGHUP", "SIGQUIT"] as const) process.on(name, end);
process.on("message", (raw) => {
  const message = ToShim.parse(raw);
  if (message.kind === "stop") end();
  else if (program === null && !isEnding) start(message);
});
// The other end of stderr goes with the orchestrator; that must not end the watchdog before its program.
process.stderr.on("error", () => {});
// The channel can have closed before anybody listened.
if (!process.connected) end();

function start(message: Extract<ToShim, { kind: "start" }>): void {
  // A group of its own on Unix, so that what it starts can be ended with it; on Windows `detached` would only open a console.
  const child = spawn(message.program, message.args, {
    env: message.env,
    stdio: ["ignore", "inherit", "inherit"],
    detached: process.platform !== "win32",
    windowsHide: true,
  });
  program = child;
  child.on("error", (error) => {
    if (child.pid !== undefined) return;
    send({ kind: "failed", message: error.message }, 1);
  });
  child.on("exit", (exitCode, signal) => {
    // Whatever it started and left.
    if (child.pid !== undefined) killGroup(child.pid);
    send({ kind: "ended", exitCode, signal }, exitCode ?? SIGNALLED);
  });
  if (child.pid === undefined) return;
  send({ kind: "started", pid: child.pid }, null);
  written = writeDown(child.pid, message);
}

/** Written by the shim, so that there is no moment in which only a dead orchestrator knew of it. */
async function writeDown(pid: number, { register, program: name }: Extract<ToShim, { kind: "start" }>): Promise<void> {
  if (register === null) return;
  try {
    const { folder, orchestrator } = register;
    await createRegister({ folder, owner: async () => orchestrator }).add({ pid, kind: "foreign", program: name });
  } catch (error) {
    process.stderr.write(`tandem: ${name} could not be written down: ${String(error)}\n`);
  }
}

/** Asks the program to leave, and kills it and all it started when it has not in time. */
function end(): void {
  if (isEnding) return;
  isEnding = true;
  const child = program;
  if (child?.pid === undefined) process.exit(0);
  child.kill("SIGTERM");
  setTimeout(() => child.kill("SIGKILL"), LEAVE_MS);
}

/** Says it, and then leaves with that status unless it is null. A file half written would lie there for ever. */
function send(message: FromShim, status: number | null): void {
  const leave = () => {
    if (status !== null) void written.then(() => process.exit(status));
  };
  if (process.connected) process.send?.(message, undefined, undefined, leave);
  else leave();
}

/** On POSIX an orphan gets another parent; on Windows it keeps the number of one that no longer runs. */
function hasParent(): boolean {
  if (process.ppid !== parentPid) return false;
  try {
    return process.kill(parentPid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
