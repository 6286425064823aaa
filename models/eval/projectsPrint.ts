// What is saved in projects, as a table for people.

import { RESAMPLES } from './interval';
import type { Projects } from './projects';
import { table } from './table';

/** A row for everything, and one for each part that was left out. */
export function printProjects({ names, windows, threshold, rows }: Projects): string {
  const signed = (share: number): string => `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(1)}`;
  const cells = rows.map(({ without, typing, saved, more }) => [
    without.length === 0 ? 'everything' : `without ${without.join(' and ')}`,
    (100 * saved).toFixed(1),
    ...(more === undefined
      ? ['', '']
      : [
          `${signed(more.saved)}${more.than.length === 0 ? '' : ` (without ${more.than.join(' and ')})`}`,
          more.interval.map(signed).join(' to '),
        ]),
    ((100 * typing.shown) / typing.characters).toFixed(1),
    typing.shown === 0 ? '–' : ((100 * typing.accepted) / typing.shown).toFixed(1),
    typing.accepted === 0 ? '–' : (typing.acceptedCharacters / typing.accepted).toFixed(1),
  ]);
  return (
    `Keystrokes saved in projects, in % (${windows} windows, ${rows[0]?.typing.characters ?? 0} characters, offers from ${threshold}): ${names.join(', ')}\n` +
    table(['', 'saved', 'more is saved with it', `95 % of ${RESAMPLES} draws`, 'shown', 'taken', 'long'], cells)
  );
}
