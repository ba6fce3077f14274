import { shimEntry } from "../../server/assets.ts";
import { startForeign } from "../../server/lifelines/foreign.ts";
import { createRegister, thisProcess } from "../../server/lifelines/register.ts";
import { silentLog } from "../fakes/log.ts";

/** Stands for an orchestrator: starts a foreign program that its arguments name, says the program's number, and stays. */
const [folder = "", program = "", ...args] = process.argv.slice(2);
const register = createRegister({ folder, owner: thisProcess() });
const foreign = await startForeign(
  { program, args, env: { PATH: process.env.PATH ?? "" }, shimPath: shimEntry(), register, log: silentLog },
  new AbortController().signal,
);
process.stdout.write(`${foreign.pid}\n`);
