import type { z } from "zod";
import { TandemError } from "../errors.ts";

/** What is wrong with flags, by the names the user typed: `names` has them for the paths of a schema. */
export function wrongFlags(error: z.ZodError, names: Readonly<Record<string, string>>, command = ""): TandemError {
  const told = error.issues.map(({ path, message }) => {
    const key = path.join(".");
    const list = path.filter((it) => typeof it !== "number").join(".");
    return `${names[key] ?? names[list] ?? key}: ${inWords(message)}`;
  });
  const help = command === "" ? "tandem help" : `tandem help ${command}`;
  return new TandemError("bad-input", told.join("; "), `See \`${help}\` for what is allowed`);
}

/** A flag is text until it is read: that of "hot" is no number, and that 80.5 is a number is beside the point. */
function inWords(message: string): string {
  return message.replace("received NaN", "received no number").replace("int, received number", "a whole number");
}
