import { HELP } from "./options.ts";

/** The whole help, or what it says of one command; the whole where there is no such command. */
export function helpText(command?: string): string {
  const own = sections(HELP).filter((it) => it.split(/\s+/, 3)[2] === command);
  if (command === undefined || own.length === 0) return HELP;
  return `${own.join("\n")}\n\nEvery command, and the flags that say where models run: \`tandem help\`\n`;
}

/** Each command's line with the indented ones under it. */
function sections(help: string): string[] {
  return help.split("\n\n").flatMap((it) => it.split(/\n(?= {2}tandem )/));
}
