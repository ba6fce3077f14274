import { TandemError } from "../errors.ts";
import type { Log } from "../ports.ts";
import type { ConfigModel } from "../protocol/configModel.ts";
import type { Stored } from "./stored.ts";

/** The models that were registered while an orchestrator ran; they stay until they are unregistered. */
export interface Registrations {
  now(): readonly ConfigModel[];
  /** Adds it, or replaces the one of its name. On disk before it counts. */
  add(model: ConfigModel): Promise<void>;
  remove(name: string): Promise<void>;
  /** Resolves when all that was asked for so far is done. */
  settled(): Promise<void>;
}

export interface RegistrationsDeps {
  readonly stored: Stored;
  readonly log: Log;
  readonly onChange: () => void;
}

const MOST_REGISTERED = 200;

export function createRegistrations({ stored, log, onChange }: RegistrationsDeps): Registrations {
  let registered: readonly ConfigModel[] = [];
  let last: Promise<void> = stored.read().then((read) => {
    registered = read;
    if (read.length > 0) onChange();
  });

  /** One change after another. */
  function change(next: () => readonly ConfigModel[]): Promise<void> {
    const mine = last.then(async () => {
      const models = next();
      await stored.write(models);
      registered = models;
      onChange();
    });
    last = mine.catch(() => undefined);
    return mine;
  }

  return {
    now: () => registered,
    add: (model) =>
      change(() => {
        const others = registered.filter((it) => it.name !== model.name);
        if (others.length >= MOST_REGISTERED) throw tooMany();
        log.info("model registered", { model: model.name, backend: model.backend });
        return [...others, model];
      }),
    remove: (name) =>
      change(() => {
        if (!registered.some((it) => it.name === name)) throw unregistered(name, registered);
        log.info("model unregistered", { model: name });
        return registered.filter((it) => it.name !== name);
      }),
    settled: () => last,
  };
}

function tooMany(): TandemError {
  const message = `${MOST_REGISTERED} models are registered, and that is the most there can be`;
  return new TandemError("bad-input", message, "Unregister one first: tandem unregister NAME");
}

function unregistered(name: string, registered: readonly ConfigModel[]): TandemError {
  const names = registered.map((it) => it.name).join(", ");
  return new TandemError(
    "bad-input",
    `No model is registered as "${name}"`,
    names === ""
      ? "Nothing is registered; models of the configuration file are taken out there"
      : `Registered are: ${names}`,
  );
}
