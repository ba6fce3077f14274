import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** A user without rights, on every Unix. Only root can be one. */
export const NOBODY = 65_534;

/** What a module's function does in a process of another user: its result as text, or the message of what it throws. */
export async function asNobody(module: string, name: string, argument: string): Promise<string> {
  const script = `import { ${name} } from ${JSON.stringify(module)};
    console.log(await ${name}(${JSON.stringify(argument)}).then(String, (error) => error.message));`;
  const args = ["--input-type=module", "-e", script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { uid: NOBODY, gid: NOBODY, cwd: "/" });
  return stdout.trim();
}
