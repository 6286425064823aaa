// The keys of one query as a table (RFC 4180, in UTF-8 with its mark, by which spreadsheets know it). A token that a spreadsheet would take
// for a formula has an apostrophe before it; the JSON file has all texts as they are. Names of columns are for programs, and the same in every language. Pure.

export interface KeyRow {
  position: number;
  id: number;
  text: string;
  /** The model's own weight; what is shown of it under the reader's settings. */
  weight: number;
  shown: number;
  /** Where the token stands: name of the file, and line number from 1; neither where that is not known. */
  file?: string;
  line?: number;
}

const COLUMNS = ['rank', 'position', 'id', 'token', 'weight', 'shown', 'file', 'line'] as const;

/** All keys, the one with the largest shown weight first; of equal ones the nearest. */
export function csvOfKeys(rows: readonly KeyRow[]): string {
  const sorted = rows.toSorted((a, b) => b.shown - a.shown || b.position - a.position);
  const lines = sorted.map((row, i) =>
    [i + 1, row.position, row.id, row.text, number(row.weight), number(row.shown), row.file ?? '', row.line ?? '']
      .map(field)
      .join(','),
  );
  return `\uFEFF${[COLUMNS.join(','), ...lines, ''].join('\r\n')}`;
}

/** Weights are exact to about 1.6e-5; the digits after that say nothing, but keep a sum of many from drifting. */
function number(weight: number): number {
  return Number(weight.toPrecision(6));
}

/** A number as it is, a text between quotes. */
function field(value: number | string): string {
  if (typeof value === 'number' || value === '') return String(value);
  const inert = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return `"${inert.replaceAll('"', '""')}"`;
}
