import { TandemError } from "../errors.ts";
import type { Handlers } from "../handlers.ts";
import type { Build } from "../protocol/builds.ts";
import type { Getter, Offer } from "./getter.ts";
import { ELSEWHERE } from "./things.ts";

/** What clients can ask of it. */
export function buildHandlers(getter: Getter, platform: NodeJS.Platform): Pick<Handlers, "builds" | "getBuild"> {
  return {
    async builds() {
      const offers = await getter.offers();
      const elsewhere = ELSEWHERE.flatMap(({ id, what, how }) =>
        how[platform] ? [{ id, what, how: how[platform] }] : [],
      );
      return { builds: offers.map(toBuild), elsewhere };
    },
    async getBuild({ id, build }, { emit, signal }) {
      const offers = await getter.offers();
      const offer = offers.find((it) => it.thing.id === id && (build === null || it.thing.build === build));
      if (!offer) throw unknown(`${id}${build === null ? "" : ` for ${build}`}`, offers);
      if (offer.trouble && !offer.isHere)
        throw new TandemError(
          "not-configured",
          `${offer.thing.title}: ${offer.trouble.reason}`,
          offer.trouble.nextStep,
        );
      return toBuild(await getter.get(offer.thing, (progress) => emit({ kind: "downloading", progress }), signal));
    },
  };
}

function toBuild({ thing, downloadBytes, folder, program, isHere, trouble }: Offer): Build {
  const { id, build, title, source, licence, unpackedBytes } = thing;
  return { id, build, title, source, licence, downloadBytes, unpackedBytes, folder, program, isHere, trouble };
}

function unknown(what: string, offers: readonly Offer[]): TandemError {
  const names = offers.map((it) => `${it.thing.id} (${it.thing.build})`).join(", ");
  return new TandemError(
    "not-configured",
    `There is no ${what} to be fetched for this machine`,
    names === "" ? "`tandem get` says how to install engines by other means" : `There are: ${names}`,
  );
}
