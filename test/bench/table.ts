// Prints rows as a table of aligned columns.

/** Rounded to three digits, but whole numbers keep all of theirs; what is no number is a dash. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

/**
 * The lines of a Markdown table; the first column is aligned left, the others right.
 * @param rows the heads of the columns first; a row may be shorter than the heads
 */
export function table(rows: readonly (readonly string[])[]): string {
  const [heads = [], ...rest] = rows;
  const widths = heads.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, i) => (i === 0 ? (row[i] ?? '').padEnd(width) : (row[i] ?? '').padStart(width))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(heads), line(rule), ...rest.map(line)].join('\n');
}
