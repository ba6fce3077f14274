/**
 * For the `skip` of tests that cannot be on every machine: a reason where they cannot, else false. What is left out with such
 * a reason is reported and fails nothing; anything else that is left out fails the run (`test/tally.ts`).
 */
export type Skip = string | false;

/** What such a reason begins with. */
export const NOT_HERE = "not here: ";

const on = (isHere: boolean, why: string): Skip => (isHere ? false : NOT_HERE + why);

/** Modes of files, signals that can be heeded, sockets with a path. */
export const unixOnly = on(process.platform !== "win32", "Windows knows no such thing");
/** `/proc` and `/dev/full`. */
export const linuxOnly = on(process.platform === "linux", "it takes Linux");
/** Being another user for a moment. */
export const rootOnly = on(process.getuid?.() === 0, "it takes root");
