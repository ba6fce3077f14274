/** Names of files that servers give their models can be of any length. */
const LONGEST = 80;

/** A model's label as metrics tell it: of a path its last part alone, and not too long. */
export function seriesName(label: string): string {
  const isPath = /^(?:file:|~|[a-z]:)?[\\/]/i.test(label);
  const name = isPath ? (label.split(/[\\/]+/).findLast((it) => it !== "") ?? "") : label;
  return name.slice(0, LONGEST);
}
