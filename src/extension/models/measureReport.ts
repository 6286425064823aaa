// What was measured of the machine, in words: a Markdown document that can be read as it stands, searched and copied. And what follows from
// it for the settings. Pure.

import type { Figures, MeasuredRow, Measurement } from '../../jobProtocol';
import { t } from '../../l10n';
import type { Place } from '../config';
import { table } from '../markdownTable';
import { machineWords, type MachineFacts, type Remote } from './machine';

/** A measurement, and what is to be said with it. */
export interface Measured {
  measurement: Measurement;
  facts: MachineFacts;
  remote?: Remote;
  /** The settings before, and those that are best. */
  before: Place;
  after: Place;
  /** When, in milliseconds since 1970. */
  at: number;
}

/** Tokens of the new part of a prompt and of a suggestion, by which devices are compared: those of engine/deviceTrial.ts. */
const NEW_TOKENS = 64;
const WRITTEN_TOKENS = 8;

/**
 * The settings that come to the best device and threads. What is set already stays as it is; `auto` and 0 are kept, or set, where they come
 * to the same.
 */
export function settingsFor({ device, threads, automatic }: Measurement['best'], now: Place): Place {
  return {
    device: now.device === device ? device : automatic.device ? 'auto' : device,
    threads: device !== 'cpu' || now.threads === threads ? now.threads : automatic.threads ? 0 : threads,
  };
}

/** Whether a measurement changes nothing. */
export function isSame(before: Place, after: Place): boolean {
  return before.device === after.device && before.threads === after.threads;
}

/** A device and its threads, as people call them. */
export function placeName(device: string, threads: number): string {
  if (device !== 'cpu') return device;
  return threads === 1 ? t('the CPU with one thread') : t('the CPU with {0} threads', threads);
}

/** The whole document. @param language BCP 47 tag of the reader's language */
export function measureReport(measured: Measured, language: string): string {
  const { measurement, facts, remote, at } = measured;
  const { model, weights, bytes, promptTokens, writtenTokens, rows } = measurement;
  const number = (value: number, digits = 0): string =>
    value.toLocaleString(language, { maximumFractionDigits: digits, minimumFractionDigits: digits });
  const failures = rows.flatMap(({ device, threads, failure }) =>
    failure === undefined ? [] : [`- ${placeName(device, threads)}: ${oneLine(failure)}`],
  );
  return [
    `# ${t('Glassbox on This Machine')}`,
    t('{0} ({1}, {2} MB), measured {3}.', model, weights, number(bytes / 1e6), new Date(at).toLocaleString(language)),
    machineWords(facts, remote, language).join(' '),
    `## ${t('What Was Chosen')}`,
    whatWasChosen(measured),
    `## ${t('What Was Measured')}`,
    table([
      [
        t('Device'),
        t('Threads'),
        t('Prefill/s'),
        t('Decode ms'),
        t('Suggestion'),
        t('Memory MB'),
        t('Logits'),
        t('Token'),
      ],
      ...rows.flatMap((row) => (row.figures === undefined ? [] : [cells(row, row.figures, number)])),
    ]),
    ...(failures.length === 0 ? [] : [t('What could not be measured, and why:'), failures.join('\n')]),
    t(
      'Prefill: tokens of a prompt read in a second, {0} of code. Decode: milliseconds to write a token after them, {1} one by one. Of several rounds the shortest time counts, since other programs can only make it longer. Suggestion: milliseconds for {2} new tokens in the prompt and {3} written, by which devices are compared. Memory: of the process afterwards, without that of a graphics card. Logits: the correlation of all logits with those of the CPU. Token: how often the likeliest next token is the same.',
      promptTokens,
      writtenTokens,
      NEW_TOKENS,
      WRITTEN_TOKENS,
    ),
  ]
    .join('\n\n')
    .concat('\n');
}

/** What is set, and why. */
export function whatWasChosen({ measurement: { best }, before, after }: Measured): string {
  const name = placeName(best.device, best.threads);
  const why = {
    alone: t('Best is {0}: nothing else could be measured, or gives the same numbers.', name),
    fastest: t('Best is {0}: it is the fastest.', name),
    'as fast': t('Best is {0}: others are no faster, within what times vary, and take more of the machine.', name),
  }[best.why];
  const set = t('glassbox.device is {0} and glassbox.threads is {1}', after.device, after.threads);
  const automatic = after.device === 'auto' || (best.device === 'cpu' && after.threads === 0);
  return [
    why,
    isSame(before, after) ? t('The settings come to that already: {0}.', set) : t('Now {0}.', set),
    ...(automatic ? [t('auto and 0 stand for what is best here, and go on choosing when that changes.')] : []),
  ].join(' ');
}

function cells({ device, threads }: MeasuredRow, figures: Figures, number: (value: number, digits?: number) => string) {
  const { prefill, decodeMs, memory, correlation, sameTop } = figures;
  return [
    device,
    threads === 0 ? '–' : number(threads),
    number(prefill),
    number(decodeMs, decodeMs < 10 ? 2 : 1),
    number((NEW_TOKENS / prefill) * 1000 + WRITTEN_TOKENS * decodeMs, 1),
    number(memory / 1e6),
    Number.isFinite(correlation) ? number(correlation, 4) : '–',
    `${number(100 * sameTop)} %`,
  ];
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
