import { html, nothing, type TemplateResult } from "lit";

/** A piece of the page. */
export type Markup = TemplateResult | typeof nothing;

/** How something is, for colour; the icon and the words beside it say the same. */
export type Tone = "good" | "plain" | "watch" | "warn" | "bad";

/** An icon is for those who see; what it says stands beside it in words. */
export function icon(name: string): Markup {
  return html`<span class="codicon codicon-${name}" aria-hidden="true"></span>`;
}

/** A state in an icon and a word. `why` is shown on hover, and read out. */
export function mark({ tone, sign, word, why = null }: Mark): Markup {
  const said = why === null ? nothing : html`<span class="unseen">: ${why}</span>`;
  return html`<span class="mark ${tone}" title=${why ?? nothing}>${icon(sign)}<span>${word}</span>${said}</span>`;
}

export interface Mark {
  readonly tone: Tone;
  readonly sign: string;
  readonly word: string;
  readonly why?: string | null;
}

/** What the user can do; the page's listener finds it by its data. */
export interface Act {
  readonly name: string;
  /** Said in full to who does not see where it stands. */
  readonly label: string;
  readonly does: string;
  readonly argument: string;
  readonly sign?: string;
  readonly isMain?: boolean;
}

export function button({ name, label, does, argument, sign, isMain }: Act): Markup {
  return html`<vscode-button
    ?secondary=${!isMain}
    data-do=${does}
    data-argument=${argument}
    aria-label=${label}
    title=${label}
    >${sign ? html`<span slot="content-before" class="codicon codicon-${sign}" aria-hidden="true"></span>` : nothing}${name}</vscode-button
  >`;
}

/** What went wrong and what to do about it. */
export function trouble(message: string, nextStep: string): Markup {
  return html`<div class="trouble">${icon("error")}<div><p>${withCode(sentence(message))}</p><p>${withCode(sentence(nextStep))}</p></div></div>`;
}

/** With a capital and a full stop. */
export function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}

/** What stands between backticks is for a terminal. */
export function withCode(text: string): readonly Markup[] {
  return text.split("`").map((it, nth) => (nth % 2 === 1 ? html`<code>${it}</code>` : html`${it}`));
}
