// The statistics in words: a Markdown document that can be read as it stands, searched and copied. Pure; statisticsDocument.ts shows it.

import { t } from '../l10n';
import { table } from './markdownTable';
import { DAYS, dayOf, percentile, sum, type Counts, type Histogram, type Tally } from './tally';

/** Numbers and dates as the reader's language writes them. */
interface Formats {
  number: (value: number) => string;
  percent: (part: number, whole: number) => string;
}

/** Keys that accepting saved: the characters it wrote, less the keys pressed for it. */
export function saved({ acceptedCharacters, keys }: Counts): number {
  return Math.max(0, acceptedCharacters - keys);
}

/** Characters that were accepted, and all that were written. */
export function written({ acceptedCharacters, typedCharacters }: Counts): [accepted: number, all: number] {
  return [acceptedCharacters, acceptedCharacters + typedCharacters];
}

/**
 * The whole document.
 * @param language BCP 47 tag of the reader's language
 */
export function report(tally: Tally, now: Date, language: string): string {
  const formats: Formats = {
    number: (value) => value.toLocaleString(language),
    percent: (part, whole) => (whole === 0 ? '–' : (part / whole).toLocaleString(language, { style: 'percent' })),
  };
  const days = Object.entries(tally.days);
  const month = sum(days.map(([, counts]) => counts));
  const today = tally.days[dayOf(now)] ?? sum([]);
  return [
    `# ${t('Glassbox Statistics')}`,
    t('Counted on this machine. Nothing of it is sent anywhere, and no text is kept, only numbers.'),
    `## ${t('Suggestions')}`,
    usefulness([today, month, tally.total], formats),
    `## ${t('Waiting time, last {0} days of use', DAYS)}`,
    waiting(month, formats),
    t(
      'From the key to the answer, in milliseconds: half of all answers came within p50, nine of ten within p90, 99 of 100 within p99. Times are counted in steps of 9 %, so that this never grows.',
    ),
    `## ${t('Day by day')}`,
    byDay(days.reverse(), formats),
    t(
      'Keys saved: the characters of what was accepted, less the keys pressed to accept it. Share: the part of all characters that suggestions wrote.',
    ),
  ]
    .join('\n\n')
    .concat('\n');
}

function usefulness(columns: Counts[], { number, percent }: Formats): string {
  const row = (name: string, value: (counts: Counts) => string): string[] => [name, ...columns.map(value)];
  return table([
    ['', t('Today'), t('Last {0} days of use', DAYS), t('In all')],
    row(t('Shown'), ({ shown }) => number(shown)),
    row(t('Accepted, whole or in part'), ({ accepted }) => number(accepted)),
    row(t('Acceptance rate'), ({ accepted, shown }) => percent(accepted, shown)),
    row(t('Keys saved'), (counts) => number(saved(counts))),
    row(t('Written by suggestions'), (counts) => percent(...written(counts))),
  ]);
}

function waiting({ memory, model }: Counts, { number }: Formats): string {
  const ms = (histogram: Histogram, q: number): string => {
    const value = percentile(histogram, q);
    return value === undefined ? '–' : number(Math.round(value));
  };
  const row = (name: string, histogram: Histogram): string[] => [
    name,
    number(Object.values(histogram).reduce((all, n) => all + n, 0)),
    ...[0.5, 0.9, 0.99].map((q) => ms(histogram, q)),
  ];
  return table([
    ['', t('Answers'), 'p50', 'p90', 'p99'],
    row(t('Known already'), memory),
    row(t('Asked of the model'), model),
  ]);
}

function byDay(days: [string, Counts][], { number, percent }: Formats): string {
  return table([
    [t('Day'), t('Shown'), t('Accepted'), t('Rate'), t('Keys saved'), t('Share')],
    ...days.map(([day, counts]) => [
      day,
      number(counts.shown),
      number(counts.accepted),
      percent(counts.accepted, counts.shown),
      number(saved(counts)),
      percent(...written(counts)),
    ]),
  ]);
}
