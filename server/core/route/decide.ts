import type { Standing, Tier } from "../../protocol/run.ts";
import type { Settings } from "../../protocol/settings.ts";
import type { EngineView, Route, RouteInput, VectorsInput } from "../route.ts";
import { type Choosing, type Chosen, choose } from "./equals.ts";
import { DEFAULT_POLICY, type RoutePolicy } from "./policy.ts";
import { type Job, price, type Ranked } from "./price.ts";
import { cloudText, reason } from "./reason.ts";
import { ORDER, questionOf, standingOf, vectorStandingOf } from "./standing.ts";
import { candidateOf, placeText } from "./words.ts";

/**
 * Who drafts and who audits: those that stand best to the task (`standingOf`), of them who is done first, of equals the less loaded of
 * two. The same input and policy always give the same answer, in whatever order the engines come. Null when there is no engine that
 * may write this.
 */
export function route(input: RouteInput, policy: RoutePolicy = DEFAULT_POLICY): Route | null {
  const question = questionOf(input);
  const ranked = rank(input.engines, (it) => standingOf(it, question), { job: input, policy });
  const draft = chooseBest(ranked, input, policy);
  if (!draft) return null;
  const audit = input.isAudited ? auditor(ranked, draft, { input, policy }) : null;
  const shown = { draft: draft.priced, audit: audit?.priced.engine ?? null };
  const why = [reason(input, shown), draft.why, cloudText(input, draft.priced.engine)].filter((it) => it !== null);
  const candidates = ranked.map(candidateOf);
  const drafting = candidates[ranked.indexOf(draft.priced)] ?? candidateOf(draft.priced);
  return { draft: drafting, audit: audit && candidateOf(audit.priced), candidates, why: why.join("; ") };
}

/** Who makes vectors: of the engines meant for that, the one that is done first. Null when there is none. */
export function routeVectors(input: VectorsInput, policy: RoutePolicy = DEFAULT_POLICY): Omit<Route, "audit"> | null {
  const job = { ...input, outputTokens: 0 };
  const ranked = rank(input.engines, (it) => vectorStandingOf(it, input), { job, policy });
  const best = chooseBest(ranked, input, policy);
  if (!best) return null;
  const why = [`vectors come from ${placeText(best.priced.engine)}`, best.why].filter((it) => it !== null);
  return { draft: candidateOf(best.priced), candidates: ranked.map(candidateOf), why: why.join("; ") };
}

/** Whether a task of this tier is audited under the setting. */
export function isAudited(tier: Tier, auditWhen: Settings["auditWhen"]): boolean {
  return auditWhen === "always" || (auditWhen === "complex" && tier === "complex");
}

interface Pricing {
  readonly job: Job;
  readonly policy: RoutePolicy;
}

/** Those that may do it in a total order: by standing, then by time; of those alike who drafts comes first, then by name. */
function rank(
  engines: readonly EngineView[],
  standingFor: (engine: EngineView) => Standing | null,
  { job, policy }: Pricing,
): Ranked[] {
  const able: Ranked[] = [];
  for (const it of engines) {
    const standing = standingFor(it);
    if (standing !== null) able.push({ ...price(it, job, policy), standing });
  }
  return able.sort(
    (a, b) =>
      ORDER.indexOf(a.standing) - ORDER.indexOf(b.standing) ||
      a.cost.totalMs - b.cost.totalMs ||
      Number(b.engine.roles.includes("draft")) - Number(a.engine.roles.includes("draft")) ||
      (a.engine.id < b.engine.id ? -1 : 1),
  );
}

function chooseBest(ranked: readonly Ranked[], job: Choosing, policy: RoutePolicy): Chosen | null {
  const best = ranked[0]?.standing;
  return choose(
    ranked.filter((it) => it.standing === best),
    job,
    policy,
  );
}

interface Auditing {
  readonly input: RouteInput;
  readonly policy: RoutePolicy;
}

/**
 * Of the engines here that are meant for auditing the one that is done first, reckoned with the draft at work: where two could do either,
 * one drafts and the other audits. An audit reads the task and the draft and writes verdicts, none of which anybody has read before. What is audited in the cloud would leave this machine a second time, so nothing is.
 */
function auditor(ranked: readonly Ranked[], draft: Chosen, { input, policy }: Auditing): Chosen | null {
  const drafter = draft.priced.engine;
  const able = ranked.filter(({ engine }) => engine.roles.includes("audit") && !engine.isCloud);
  // As it was before the draft was put on it: a probe is no second one.
  const shut = new Set(able.filter((it) => it.standing === "shut").map((it) => it.engine.id));
  const engines = able.map(({ engine }) => (engine === drafter ? { ...engine, load: engine.load + 1 } : engine));
  const { promptTokens, outputTokens } = input;
  const job = { ...input, promptTokens: promptTokens + outputTokens, outputTokens: policy.auditTokens, warmTokens: {} };
  return chooseBest(
    rank(engines, ({ id }) => (shut.has(id) ? "shut" : "meant"), { job, policy }),
    job,
    policy,
  );
}
