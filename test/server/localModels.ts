import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type FakeEngines, type FakeEnginesOptions, fakeEngines } from "../fakes/engines.ts";
import { gguf } from "../fakes/gguf.ts";
import { silentLog } from "../fakes/log.ts";
import { type OrchestratorOptions, startOrchestrator, type TestOrchestrator } from "./orchestrator.ts";
import { realEngines } from "./testWorld.ts";

export interface LocalOrchestrator extends TestOrchestrator {
  readonly engines: FakeEngines;
  /** Puts a model file there, of which there is but the header, and says how a setting or a request names it. */
  model(name: string): Promise<string>;
}

/** The orchestrator with local engines that are not real, and endpoints that are. */
export async function startLocal(
  options: FakeEnginesOptions,
  machine: Pick<OrchestratorOptions, "reach" | "hardware" | "devices"> = {},
): Promise<LocalOrchestrator> {
  const engines = fakeEngines(options);
  const real = realEngines(silentLog);
  const orchestrator = await startOrchestrator({
    ...machine,
    openEngine: (spec, signal) => (spec.kind === "endpoint" ? real : engines.open)(spec, signal),
  });
  return {
    ...orchestrator,
    engines,
    async model(name) {
      const path = join(orchestrator.folder, `${name}.gguf`);
      await writeFile(path, gguf({ "tokenizer.chat_template": { kind: "string", value: "{{ messages }}" } }));
      return `file:${path}`;
    },
  };
}
