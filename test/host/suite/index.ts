import { once } from "node:events";
import { connect } from "node:net";
import Mocha from "mocha";
import { REPORT_PORT, type Report } from "../report.ts";
import { answering } from "./answering.ts";
import { auditing } from "./auditing.ts";
import { checking } from "./checking.ts";
import { configuring } from "./configuring.ts";
import { progressed, told } from "./desk.ts";
import { dying } from "./dying.ts";
import { editing } from "./editing.ts";
import { serving } from "./serving.ts";
import { starting } from "./starting.ts";

const TEST_TIMEOUT_MS = 20_000;
/** In this order: the first needs an extension that nobody has used yet. */
const SUITES = [starting, editing, auditing, answering, checking, configuring, dying, serving];

/** VS Code calls this inside its extension host; it ends when every test has been reported. */
export async function run(): Promise<void> {
  process.setSourceMapsEnabled(true);
  const socket = connect({ host: "127.0.0.1", port: Number(process.env[REPORT_PORT]) });
  await once(socket, "connect");
  const report = (line: Report) => socket.write(`${JSON.stringify(line)}\n`);
  const mocha = new Mocha({ ui: "bdd", timeout: TEST_TIMEOUT_MS, reporter: Mocha.reporters.Base });
  mocha.suite.emit("pre-require", globalThis, "", mocha);
  mocha.suite.beforeEach(() => {
    told.forget();
    progressed.forget();
  });
  for (const declare of SUITES) declare();
  await new Promise<void>((resolve) => {
    const runner = mocha.run(() => resolve());
    runner.on("pass", (test) => report({ kind: "passed", title: test.fullTitle(), ms: test.duration ?? 0 }));
    runner.on("fail", (test, error) =>
      report({
        kind: "failed",
        title: test.fullTitle(),
        error: [error.stack ?? error, ...heard()].join("\n"),
      }),
    );
  });
  report({ kind: "done" });
  socket.end();
  await once(socket, "close");
}

function heard(): string[] {
  const progress = progressed.messages.map((it) => `the progress said: ${it}`);
  return [...told.messages.map((it) => `the user was told: ${it}`), ...progress];
}
