import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import type { Tree } from "./tree.ts";

const Entry = z.looseObject({ command: z.string().optional() });
const Manifest = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
  activationEvents: z.array(z.string()).default([]),
  contributes: z.object({
    commands: z.array(z.looseObject({ command: z.string() })),
    menus: z.record(z.string(), z.array(Entry)).default({}),
    keybindings: z.array(Entry).default([]),
    configuration: z.object({ properties: z.record(z.string(), z.unknown()) }),
  }),
});
const Ids = z.object({
  commandIds: z.array(z.string()),
  settingKeys: z.array(z.string()),
  languageIds: z.array(z.string()),
});

async function readManifest(root: string) {
  return Manifest.parse(JSON.parse(await readFile(join(root, "package.json"), "utf8")));
}

/** What package.json promises the editor and what the code has are the same. */
export async function manifest({ root }: Tree): Promise<string[]> {
  const { contributes, activationEvents } = await readManifest(root);
  const ids = Ids.parse({ ...(await import(pathToFileURL(join(root, "extension/ids.ts")).href)) });
  const declared = contributes.commands.map((it) => it.command);
  const used = [...Object.values(contributes.menus).flat(), ...contributes.keybindings].flatMap(
    (it) => it.command ?? [],
  );
  const languages = activationEvents.flatMap((it) => /^onLanguage:(.*)$/.exec(it)?.[1] ?? []);
  return [
    ...differences("command", declared, ids.commandIds),
    ...differences("setting", Object.keys(contributes.configuration.properties), ids.settingKeys),
    ...differences("language", languages, ids.languageIds),
    ...used.filter((it) => !declared.includes(it)).map((it) => `a menu or key names ${it}, which is no command`),
  ];
}

function differences(what: string, declared: readonly string[], coded: readonly string[]): string[] {
  return [
    ...declared.filter((it) => !coded.includes(it)).map((it) => `package.json has the ${what} ${it}, the code has not`),
    ...coded.filter((it) => !declared.includes(it)).map((it) => `the code has the ${what} ${it}, package.json has not`),
    ...declared.filter((it, index) => declared.indexOf(it) !== index).map((it) => `package.json has ${it} twice`),
  ];
}

/** Every package has one line in ARCHITECTURE.md that says why it is there. */
export async function dependencies({ root }: Tree): Promise<string[]> {
  const { dependencies, devDependencies } = await readManifest(root);
  const lines = (await readFile(join(root, "ARCHITECTURE.md"), "utf8").catch(() => "")).split("\n");
  // Types say nothing that the package they describe does not.
  const names = Object.keys({ ...dependencies, ...devDependencies }).filter((it) => !it.startsWith("@types/"));
  return names
    .filter((name) => !lines.some((line) => line.includes(`\`${name}\``) && line.trim().length > name.length + 10))
    .map((name) => `ARCHITECTURE.md does not say why ${name} is there`);
}
