/** What a step prints: held back until it is its turn to be shown, passed on as it comes from then on. */
export interface Output {
  write(text: string): void;
  say(line: string): void;
  show(): void;
}

export function createOutput(stream: { write(text: string): unknown }): Output {
  let held: string[] | null = [];
  const write = (text: string) => void (held ? held.push(text) : stream.write(text));
  return {
    write,
    say: (line) => write(`${line}\n`),
    show() {
      for (const text of held ?? []) stream.write(text);
      held = null;
    },
  };
}
