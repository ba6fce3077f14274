/** At least so much stays for the last column, however narrow the terminal. */
const LEAST_COLUMNS = 20;

/** As `align`; what of the last column is too long goes on below its beginning. */
export function alignFolded(rows: readonly (readonly string[])[], columns: number): string[] {
  // A mark keeps the spaces before the last column.
  const before = align(rows.map((row) => [...row.slice(0, -1), "|"]));
  const indent = Math.max(0, ...before.map((it) => it.length - 1));
  return rows.flatMap((row, nth) => {
    const [first = "", ...others] = folded(row.at(-1) ?? "", Math.max(LEAST_COLUMNS, columns - indent));
    const head = (before[nth] ?? "").slice(0, -1);
    return [`${head}${first}`.trimEnd(), ...others.map((it) => " ".repeat(indent) + it)];
  });
}

/** Broken at spaces; a word that is longer than a line is left whole. */
export function folded(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length === 0 || longer.length > columns) lines.push(word);
    else lines.splice(-1, 1, longer);
  }
  return lines;
}

/** Rows as lines, each column as wide as its widest cell. */
export function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
