import type { Report } from "../core/telemetry.ts";

/** How a run of the tool ended without what was asked. */
export interface Ending {
  readonly code: number | null;
  /** What it said that is no reading, stdout and stderr. */
  readonly said: string;
}

type Answer = Exclude<Report, { readonly kind: "reading" }>;

const RESTART = "Restart the machine";
const CONTAINER = "If this is a container, start it again with access to the GPUs";

/** What nvidia-smi says when it cannot say more, by its own words; the numbers are its exit codes (man nvidia-smi). */
const SAYINGS: readonly (readonly [words: RegExp, code: number | null, answer: (said: string) => Answer])[] = [
  [/no devices were found/i, 6, () => ({ kind: "absent", reason: "the NVIDIA driver finds no device" })],
  [
    /driver\/library version mismatch/i,
    18,
    () =>
      broken("the NVIDIA driver was updated and the old one still runs", `${RESTART}, or unload the nvidia modules`),
  ],
  [
    /couldn't communicate with the NVIDIA driver|driver is not loaded|driver not loaded/i,
    9,
    () => broken("nvidia-smi is here but no NVIDIA driver runs", "Install the driver, or load its kernel module"),
  ],
  [
    /(NVIDIA-SMI couldn't find|NVML (shared )?library).*(not found|couldn't|libnvidia-ml)|couldn't find lib/i,
    12,
    () => broken("the driver's library libnvidia-ml is missing", `Install the whole driver. ${CONTAINER}`),
  ],
  [
    /GPU is lost|fallen off the bus|unable to determine the device handle/i,
    15,
    (said) =>
      broken(`a GPU does not answer: ${said}`, `${RESTART}; if it comes back, look at the card's power and seating`),
  ],
  [
    /insufficient permissions/i,
    4,
    () => broken("this user may not use the GPUs", `Add the user to the group of /dev/nvidia*. ${CONTAINER}`),
  ],
  [/failed to initialize NVML/i, null, (said) => broken(said, `${CONTAINER}; otherwise ${RESTART.toLowerCase()}`)],
];

/** What the end of a run means. What it says counts for more than its number, which drivers use differently. */
export function meaningOf({ code, said }: Ending): Answer {
  const line = firstLine(said);
  const answer = SAYINGS.find(([words]) => words.test(said)) ?? SAYINGS.find((it) => it[1] !== null && it[1] === code);
  if (answer) return answer[2](line);
  const words = line === "" ? "said nothing" : `said "${line}"`;
  return broken(
    `nvidia-smi ended with ${code ?? "a signal"} and ${words}`,
    "Run `nvidia-smi` yourself and see what it says",
  );
}

/** No word from it within a time in which it always answers. */
export function silence(seconds: number): Answer {
  return broken(`nvidia-smi has not answered for ${seconds} s`, `${RESTART}: its driver hangs`);
}

/** It talks, but not what was asked. */
export function gibberish(said: string): Answer {
  return broken(
    `nvidia-smi printed "${firstLine(said)}", which is no reading`,
    "Run `nvidia-smi` yourself and see what it says",
  );
}

/** It talks without a pause. */
export function flooding(): Answer {
  return broken("nvidia-smi prints far more than it was asked for", "Run `nvidia-smi` yourself and see what it says");
}

/** Where the driver says in words which of its cards it has lost; the others it goes on to tell of. */
export interface Lost {
  readonly index: number | null;
  /** "04:00.0", as the end of the card's place on the bus. */
  readonly slot: string | null;
  readonly said: string;
}

/**
 * "Unable to determine the device handle for GPU3: 0000:04:00.0: Unknown Error", with or without its number, as the tool writes it
 * beside the rows of the cards that are left. Null: the line is something else.
 */
export function parseLost(line: string): Lost | null {
  if (!/unable to determine the device handle|fallen off the bus/i.test(line)) return null;
  const index = /\bGPU ?(\d{1,3})(?=:|\s|$)/i.exec(line)?.[1];
  const slot = /[0-9a-f]{4,8}:([0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f])/i.exec(line)?.[1];
  return {
    index: index === undefined ? null : Number(index),
    slot: slot?.toLowerCase() ?? null,
    said: firstLine(line),
  };
}

/** Warnings of the tool's own ("WARNING: infoROM is corrupted at gpu 0000:00:04.0") are no trouble with a reading. */
export function isRemark(line: string): boolean {
  return /^\s*warning:/i.test(line);
}

/** There is no such program. */
export const NO_TOOL: Answer = { kind: "absent", reason: "there is no nvidia-smi, so no NVIDIA driver" };

const MOST_CHARS = 160;

function firstLine(said: string): string {
  const line = said.split(/\r?\n/).find((it) => it.trim() !== "") ?? "";
  const printable = line.replace(/[^\x20-\x7e]/g, "?").trim();
  return printable.length > MOST_CHARS ? `${printable.slice(0, MOST_CHARS)}…` : printable;
}

function broken(reason: string, nextStep: string): Answer {
  return { kind: "broken", reason, nextStep };
}
