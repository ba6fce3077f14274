import { Catalogue } from "../../server/models/catalogue.ts";
import { createModelStore } from "../../server/models/store.ts";
import { silent } from "./place.ts";

/** A process of its own that asks for one model: says "progress N" as it comes, and "done PATH" at the end. */
const [folder = "", id = "", catalogue = "[]"] = process.argv.slice(2);
const store = createModelStore({
  folder,
  log: silent,
  clock: { nowMs: () => performance.now() },
  catalogue: Catalogue.parse(JSON.parse(catalogue)),
});
const file = await store.ensure(
  id,
  null,
  (progress) => process.stdout.write(`progress ${progress.doneBytes}\n`),
  AbortSignal.timeout(30_000),
);
process.stdout.write(`done ${file.path}\n`);
