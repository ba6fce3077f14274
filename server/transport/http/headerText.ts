/** A header of some hundred characters passes everywhere; the whole story is in the log and the status. */
const MOST_CHARS = 400;

/** Text as a header can carry it: everything but printable ASCII is percent-encoded, so that `decodeURIComponent` brings it back. */
export function headerText(text: string): string {
  const short = text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text;
  return short.toWellFormed().replace(/[^ -$&-~]/gu, encodeURIComponent);
}
