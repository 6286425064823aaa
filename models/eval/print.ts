// The report as tables for people.

import { printCalibration } from './calibrationPrint';
import type { Report } from './evaluate';
import { RESAMPLES } from './interval';
import type { Method, Sweep } from './keys';
import { printProjects } from './projectsPrint';
import { table } from './table';

/** The whole report. */
export function print(report: Report): string {
  const { model, weights, source, quick, sizes, overlap, bpb, fill, keys, calibration, projects, seconds } = report;
  const parts = [
    `${model} (${weights}), on ${source}${quick ? ', a fifth of the work' : ''}\n` +
      sizes.map(({ language, files, bytes }) => `${language} ${files} files, ${bytes} bytes`).join('; '),
    overlap === null
      ? 'The training text is not there: no check for overlap, and the n-gram model knows only the file at hand.'
      : `${overlap.sharing} of ${overlap.files} files share a run of 50 tokens with the training text.${overlap.paths.map((path) => `\n  ${path}`).join('')}`,
  ];
  if (bpb !== undefined) {
    const rows = bpb.languages.map((row) => [
      row.language,
      String(row.files),
      String(row.bytes),
      ...[row.bitsPerByte, row.xz, row.ratio, row.xzTogether, row.ratioTogether].map((value) => value.toFixed(3)),
    ]);
    parts.push(
      'Bits per byte, beside xz -9 of each file alone, and of all in one\n' +
        table(['', 'files', 'bytes', 'model', 'xz', 'ratio', 'xz in one', 'ratio'], rows) +
        `mean ratio ${bpb.meanRatio.toFixed(3)}, of code ${bpb.codeRatio.toFixed(3)}`,
    );
  }
  if (fill !== undefined) {
    const rows = fill.map((row) => [
      row.language,
      String(row.lines),
      ...[row.exact, row.similarity, row.exactAlone, row.similarityAlone].map(percent),
      String(row.blocks),
      ...[row.exactBlock, row.linesRight, row.blockSimilarity].map(percent),
    ]);
    const head = ['', 'lines', 'exact', 'similar', 'alone', 'similar', 'blocks', 'exact', 'lines right', 'similar'];
    parts.push(`Filled in, in %\n${table(head, rows)}`);
  }
  if (keys !== undefined) {
    const all = [...keys.languages, keys.overall];
    const saved = all.map((row) => [
      row.language,
      String(row.windows),
      String(row.ours.characters),
      ...[row.ours, row.words, row.ngram, row.ngramAlone].map(({ saved: share }) => percent(share)),
      row.ratio.toFixed(2),
    ]);
    const offers = all.map((row) => [row.language, ...[row.ours, row.words, row.ngram].flatMap(offersOf)]);
    const each = ['shown', 'taken', 'long'];
    const { interval } = keys.overall;
    parts.push(
      `Keystrokes saved, in % (offers of the model from ${keys.threshold}, of the n-gram model from ${keys.ngramThreshold}, its best; knowing the file only, from ${keys.ngramAloneThreshold})\n` +
        table(['', 'windows', 'characters', 'ours', 'words', 'n-gram', 'n-gram, file only', 'ours / better'], saved) +
        `95 % of ${RESAMPLES} draws of the windows: ours ${interval.saved.map(percent).join(' to ')}, ` +
        `ours / better ${interval.ratio.map((ratio) => ratio.toFixed(2)).join(' to ')}`,
      'Offers: model, words, n-gram: shown per 100 characters, % of them taken, characters of those\n' +
        table(['', ...each, ...each, ...each], offers),
      ...sweepsOf(keys.ngramSweep, keys.sweep),
    );
  }
  if (calibration !== undefined) parts.push(printCalibration(calibration));
  if (projects !== undefined) parts.push(printProjects(projects));
  parts.push(`${seconds.toFixed(0)} s`);
  return parts.map((part) => `${part.trimEnd()}\n`).join('\n');
}

function sweepsOf(ngram: Sweep, model: Sweep | undefined): string[] {
  const rows = ngram.map(({ threshold, saved }, i) => [
    String(threshold),
    percent(saved),
    ...(model === undefined ? [] : [percent(model[i]?.saved ?? NaN)]),
  ]);
  return [
    `Keystrokes saved, in %, by threshold\n${table(['', 'n-gram', ...(model === undefined ? [] : ['ours'])], rows)}`,
  ];
}

function offersOf({ characters, shown, accepted, acceptedCharacters }: Method): string[] {
  return [
    ((100 * shown) / characters).toFixed(1),
    shown === 0 ? '–' : percent(accepted / shown),
    accepted === 0 ? '–' : (acceptedCharacters / accepted).toFixed(1),
  ];
}

function percent(share: number): string {
  return Number.isNaN(share) ? '–' : (100 * share).toFixed(1);
}
