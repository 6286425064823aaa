// Tables in Markdown documents that can be read as they stand.

/** A Markdown table whose columns are straight in the source, too: the first to the left, numbers to the right. */
export function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => widthOf(row[column] ?? ''))));
  const line = (cells: string[]): string =>
    `| ${cells
      .map((cell, column) => {
        const blank = ' '.repeat((widths[column] ?? 0) - widthOf(cell));
        return column === 0 ? cell + blank : blank + cell;
      })
      .join(' | ')} |`;
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(rows[0] ?? []), line(rule), ...rows.slice(1).map(line)].join('\n');
}

/** Columns that a text takes in a monospaced font: Chinese characters and full-width marks take two. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text)
    width += /[\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/u.test(character) ? 2 : 1;
  return width;
}
