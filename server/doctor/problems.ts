import { FULL_SHARE } from "../core/fullness.ts";
import { crowdingProblems } from "./crowding.ts";
import type { Examination, FoundGpu, Problem } from "./examination.ts";
import type { FolderState } from "./folders.ts";

/** Everything that is wrong, the worst first, each with what to do about it. */
export function problemsOf(found: Examination): Problem[] {
  const problems = [
    ...found.folders.flatMap(folderProblems),
    ...configProblems(found),
    ...orchestratorProblems(found),
    ...modelProblems(found),
    ...gpuProblems(found),
    ...crowdingProblems(found),
    ...programProblems(found),
  ];
  return problems.toSorted((a, b) => Number(b.weight === "error") - Number(a.weight === "error"));
}

function folderProblems({ what, path, state }: FolderState): Problem[] {
  const told = (words: string, nextStep: string): Problem[] => [
    { weight: "error", what: `The folder for ${what}, ${path}, ${words}`, nextStep },
  ];
  switch (state) {
    case "ok":
    case "missing":
      return [];
    case "not-writable":
      return told(
        "cannot be written to",
        `Make it writable for you, or name another in ${VARIABLES[what] ?? "TANDEM_STATE"}`,
      );
    case "not-a-folder":
      return told(
        "is no folder, or a link to one",
        `Remove it, or name another in ${VARIABLES[what] ?? "TANDEM_STATE"}`,
      );
    case "not-ours":
      return told("belongs to another user", `Remove it, or name another in ${VARIABLES[what] ?? "TANDEM_STATE"}`);
    case "open-to-others": {
      const mended = told("can be read by other users", `Run: chmod 700 ${path}. Tandem does so itself when it starts`);
      return mended.map((it) => ({ ...it, weight: "warning" }));
    }
  }
}

const VARIABLES: Readonly<Record<string, string>> = {
  models: "TANDEM_CACHE",
  "key, journal and log": "TANDEM_STATE",
  sockets: "TANDEM_RUNTIME",
};

/** What is wrong is left out, and its default holds: nothing stops working, but it is not what was meant. */
function configProblems({ config }: Examination): Problem[] {
  return config.problems.map(({ line, column, message, isVariable }) => ({
    weight: "warning",
    what: isVariable
      ? `The variable ${message}`
      : `The configuration, ${config.path}${line === null ? "" : `:${line}`}${column === null ? "" : `:${column}`}: ${message}`,
    nextStep: "Correct it; until then what it would have said is left out",
  }));
}

function orchestratorProblems({ orchestrator, version }: Examination): Problem[] {
  if (orchestrator.state === "unreachable")
    return [{ weight: "error", what: orchestrator.reason, nextStep: orchestrator.nextStep }];
  if (orchestrator.state === "none" || orchestrator.version === version) return [];
  const what = `The orchestrator that runs is of version ${orchestrator.version}, and this command of ${version}`;
  return [{ weight: "warning", what, nextStep: "Run `tandem stop`; the next command starts one of its own version" }];
}

function modelProblems({ models }: Examination): Problem[] {
  return models.flatMap(({ role, id, state }): Problem[] => {
    if (state === "no-such-file")
      return [
        {
          weight: "error",
          what: `There is no model file for ${role}: ${id}`,
          nextStep: "Correct the path, or leave the model to Tandem with `--model auto`",
        },
      ];
    if (state === "unknown")
      return [
        {
          weight: "error",
          what: `There is no model called ${id} for ${role}`,
          nextStep: "Run `tandem models` for those there are, or name a GGUF as file:PATH",
        },
      ];
    return [];
  });
}

function gpuProblems({ gpus, makes, instances, programs }: Examination): Problem[] {
  const problems: Problem[] = makes.flatMap(({ state, reason, nextStep }) =>
    state === "broken" && nextStep !== null
      ? [{ weight: "error", what: `The GPUs cannot be read: ${reason}`, nextStep }]
      : [],
  );
  for (const gpu of gpus) {
    const { name, index, uuid, vendor, fault, isPartitioned, usedBytes, totalBytes } = gpu;
    const which = `GPU ${index}, ${name}`;
    if (fault !== null)
      problems.push({
        weight: "error",
        what: `${which}: ${fault}`,
        nextStep: "Restart the machine; if it comes back, look at the card's power and seating",
      });
    problems.push(...heat(gpu));
    if (isPartitioned && !instances.some((it) => it.card === uuid))
      problems.push({
        weight: "error",
        what: `${which} is in MIG mode but has no instances, so nothing can run on it`,
        nextStep: "Make instances (`nvidia-smi mig -cgi ...  -C`) or turn MIG off (`nvidia-smi -mig 0`)",
      });
    if (usedBytes !== null && totalBytes !== null && usedBytes > totalBytes * FULL_SHARE)
      problems.push({
        weight: "warning",
        what: `${which} has only ${Math.round((1 - usedBytes / totalBytes) * 100)} % of its memory free`,
        nextStep: `Close a program that uses it${holders(gpu)}, or choose a smaller model`,
      });
    if (vendor === "amd")
      problems.push({
        weight: "warning",
        what: `${which}: models are not placed on AMD's cards by themselves`,
        nextStep: "Set the device yourself: --device vulkan:0",
      });
  }
  const canUseGpu = programs.builds.some((it) => it !== "processor") || programs.servers["llama-server"] !== null;
  if (gpus.length > 0 && !canUseGpu)
    problems.push({
      weight: "warning",
      what: "There is a GPU, but no engine build that can use it",
      nextStep: "`tandem get` fetches one; or install a llama-server and set --llama-server, or use an endpoint",
    });
  return problems;
}

function heat({ index, name, thermal }: FoundGpu): Problem[] {
  if (thermal === null || (thermal.level !== "hot" && thermal.level !== "critical")) return [];
  const what = `GPU ${index}, ${name} is ${thermal.level === "hot" ? "hot" : "critically hot"}: ${thermal.why}`;
  const follows = thermal.level === "hot" ? "fewer models are put on it" : "no new work goes to it";
  return [
    { weight: "warning", what, nextStep: `Look at its fans and what else it does; until it is cooler, ${follows}` },
  ];
}

function holders({ processes }: FoundGpu): string {
  const [first] = processes ?? [];
  return first ? ` (the largest is ${first.name}, process ${first.pid})` : "";
}

function programProblems({ programs, models }: Examination): Problem[] {
  const { chosenServer } = programs;
  if (chosenServer && !chosenServer.isRunnable) {
    const what = `The llama-server in the settings, ${chosenServer.path}, is no program that you may run`;
    return [{ weight: "error", what, nextStep: "Correct --llama-server or TANDEM_LLAMA_SERVER, or leave it empty" }];
  }
  if (chosenServer) return [];
  const needsEngine = models.some((it) => it.state !== "endpoint");
  if (!needsEngine || programs.builds.length > 0 || programs.servers["llama-server"] !== null) return [];
  const what = "The embedded engine is not installed, and there is no llama-server";
  return [
    {
      weight: "error",
      what,
      nextStep: "Install Tandem again with its dependencies, run `tandem get llama-server`, or set an endpoint",
    },
  ];
}
