import type { RouteCandidate, Standing, Tier } from "../../protocol/run.ts";
import type { Settings } from "../../protocol/settings.ts";
import type { EngineView, Route, RouteInput, VectorsInput } from "../route.ts";
import { type Chosen, choose } from "./equals.ts";
import { DEFAULT_POLICY, type RoutePolicy } from "./policy.ts";
import { type Priced, price } from "./price.ts";
import { cloudText, reason } from "./reason.ts";
import { ORDER, standingOf, vectorStandingOf } from "./standing.ts";

/**
 * Who drafts and who audits: those that stand best to the task (`standingOf`), of them who is done first, of equals the less loaded of
 * two. The same input and policy always give the same answer, in whatever order the engines come. Null when there is no engine that
 * may write this.
 */
export function route(input: RouteInput, policy: RoutePolicy = DEFAULT_POLICY): Route | null {
  const ranked = rank(input.engines.flatMap((it) => standing(price(it, input, policy), standingOf(it, input))));
  const draft = chooseBest(ranked, input, policy);
  if (!draft) return null;
  const audit = input.isAudited ? auditor(ranked, draft, { input, policy }) : null;
  const shown = { draft: draft.priced, audit: audit?.priced.engine ?? null };
  const why = [reason(input, shown), draft.why, cloudText(input, draft.priced.engine)].filter((it) => it !== null);
  return {
    draft: draft.priced.candidate,
    audit: audit?.priced.candidate ?? null,
    candidates: ranked.map((it) => it.candidate),
    why: why.join("; "),
  };
}

/** Who makes vectors: of the engines meant for that, the one that is done first. Null when there is none. */
export function routeVectors(input: VectorsInput, policy: RoutePolicy = DEFAULT_POLICY): Omit<Route, "audit"> | null {
  const job = { ...input, outputTokens: 0 };
  const ranked = rank(input.engines.flatMap((it) => standing(price(it, job, policy), vectorStandingOf(it, input))));
  const best = chooseBest(ranked, input, policy);
  if (!best) return null;
  const { model, device } = best.priced.engine;
  const why = [`vectors come from ${model.label} on ${device}`, best.why].filter((it) => it !== null);
  return { draft: best.priced.candidate, candidates: ranked.map((it) => it.candidate), why: why.join("; ") };
}

/** Whether a task of this tier is audited under the setting. */
export function isAudited(tier: Tier, auditWhen: Settings["auditWhen"]): boolean {
  return auditWhen === "always" || (auditWhen === "complex" && tier === "complex");
}

/** A candidate whose standing is said. */
interface Ranked extends Priced {
  readonly candidate: RouteCandidate & { readonly standing: Standing };
}

function standing({ engine, candidate }: Priced, it: Standing | null): Ranked[] {
  return it === null ? [] : [{ engine, candidate: { ...candidate, standing: it } }];
}

/** A total order: by standing, then by time; of those alike who drafts comes first, then by name. */
function rank(candidates: readonly Ranked[]): Ranked[] {
  return candidates.toSorted(
    (a, b) =>
      ORDER.indexOf(a.candidate.standing) - ORDER.indexOf(b.candidate.standing) ||
      a.candidate.cost.totalMs - b.candidate.cost.totalMs ||
      Number(b.engine.roles.includes("draft")) - Number(a.engine.roles.includes("draft")) ||
      (a.engine.id < b.engine.id ? -1 : 1),
  );
}

function chooseBest(
  ranked: readonly Ranked[],
  { draw = 0 }: Pick<RouteInput, "draw">,
  policy: RoutePolicy,
): Chosen | null {
  const best = ranked[0]?.candidate.standing;
  return choose(
    ranked.filter((it) => it.candidate.standing === best),
    draw,
    policy,
  );
}

interface Auditing {
  readonly input: RouteInput;
  readonly policy: RoutePolicy;
}

/**
 * Of the engines here that are meant for auditing the one that is done first, reckoned with the draft at work: where two could do either,
 * one drafts and the other audits. What is audited in the cloud would leave this machine a second time, so nothing is.
 */
function auditor(ranked: readonly Ranked[], draft: Chosen, { input, policy }: Auditing): Chosen | null {
  const drafter = draft.priced.engine;
  const able = ranked.filter(({ engine }) => engine.roles.includes("audit") && !engine.isCloud);
  const priced = able.map(({ engine }) => {
    const asBusy = engine.id === drafter.id ? { ...engine, load: engine.load + 1 } : engine;
    return standing(price(asBusy, input, policy), isShutOff(ranked, engine) ? "shut" : "meant");
  });
  return chooseBest(rank(priced.flat()), input, policy);
}

/** As it was before the draft was put on it: a probe is no second one. */
function isShutOff(ranked: readonly Ranked[], { id }: EngineView): boolean {
  return ranked.some(({ candidate }) => candidate.engine === id && candidate.standing === "shut");
}
