import { once } from "node:events";
import { createJournal } from "../../server/journal/journal.ts";
import { silentLog } from "../fakes/log.ts";
import { decisionOf } from "./place.ts";

/** A process of its own that writes decisions until it is killed or has written as many as it was told; it says each number once it is written. */
const [folder = "", name = "", most = "Infinity"] = process.argv.slice(2);
const journal = await createJournal({ folder, log: silentLog, wallMs: () => Date.now() });
journal.remember("key", "Model A");
for (let at = 1; at <= Number(most); at++) {
  journal.decided(decisionOf(`${name} ${at}`, { why: "w".repeat((at % 7) * 100) }));
  journal.ended(`${name} ${at}`, { kind: "ok", totalMs: at });
  // Once its reader was slow the rest is written from the event loop alone, to which nothing else here would ever come back.
  if (!process.stdout.write(`${at}\n`)) await once(process.stdout, "drain");
}
journal.closeCleanly();
