// Keystrokes saved: the same typing with the offers of each method.

import type { Engine } from '../../src/engine/engine';
import type { EvalFile, Language } from './files';
import { interval, type Interval } from './interval';
import { ModelOfferer } from './modelOfferer';
import type { Ngram } from './ngramOfferer';
import { keystrokesSaved, replay, sumOf, type Offerer, type Typing } from './replay';
import { windows, type TypedWindow } from './windows';
import { wordOfferer } from './wordOfferer';

/** One method's figures. */
export interface Method extends Typing {
  /** 1 − keys / characters. */
  saved: number;
}

/** One language, or all. */
export interface KeysRow {
  language: Language | 'all';
  windows: number;
  ours: Method;
  words: Method;
  ngram: Method;
  /** For information: the n-gram model that knows only the file at hand. */
  ngramAlone: Method;
  /** Saved by ours, by what the better of words and n-gram saves. */
  ratio: number;
}

/** Keystrokes saved over all languages, at each threshold. */
export type Sweep = { threshold: number; saved: number }[];

export interface Keys {
  languages: KeysRow[];
  overall: KeysRow & { interval: Interval };
  /** The model's threshold. */
  threshold: number;
  /** The n-gram model's: its best. */
  ngramThreshold: number;
  /** Its best without the training text. */
  ngramAloneThreshold: number;
  ngramSweep: Sweep;
  /** Of the model, where it was asked for. */
  sweep?: Sweep;
}

export interface KeysOptions {
  /** Windows of each language. */
  windows: number;
  threshold: number;
  sweep: boolean;
}

/** Thresholds of a sweep. */
export const THRESHOLDS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.7];

/** The n-gram model, and the same without the training text. */
export interface Ngrams {
  full: Ngram;
  alone: Ngram;
}

/** What one method typed: of each language, of each window. */
type Typings = Typing[][];

/** Types the windows of each language with each method. */
export async function keys(
  languages: readonly [Language, EvalFile[]][],
  engine: Pick<Engine, 'complete'>,
  ngrams: Ngrams,
  { windows: count, threshold, sweep }: KeysOptions,
  progress: (text: string) => void,
): Promise<Keys> {
  const drawn = languages.map(([language, files]): [Language, TypedWindow[]] => [language, windows(files, count)]);
  const typedWith = async (name: string, offerer: Offerer): Promise<Typings> => {
    const all: Typings = [];
    for (const [language, found] of drawn) {
      const typings: Typing[] = [];
      for (const [i, window] of found.entries()) {
        progress(`keystrokes: ${name}, ${language} ${i + 1} of ${found.length}`);
        typings.push(await replay(window, offerer));
      }
      all.push(typings);
    }
    return all;
  };
  const swept = async (name: string, offererAt: (threshold: number) => Offerer): Promise<[number, Typings][]> => {
    const results: [number, Typings][] = [];
    for (const least of THRESHOLDS) results.push([least, await typedWith(`${name} from ${least}`, offererAt(least))]);
    return results;
  };
  const savedBy = (typings: Typings): number => keystrokesSaved(sumOf(typings.flat()));
  const bestOf = (results: [number, Typings][]): [number, Typings] =>
    results.reduce((a, b) => (savedBy(b[1]) > savedBy(a[1]) ? b : a));
  const asSweep = (results: [number, Typings][]): Sweep =>
    results.map(([least, typings]) => ({ threshold: least, saved: savedBy(typings) }));

  const words = await typedWith('words', wordOfferer);
  const full = await swept('n-gram', (least) => ngrams.full.offerer(least));
  const alone = await swept('n-gram, file only', (least) => ngrams.alone.offerer(least));
  const [ngramThreshold, ngram] = bestOf(full);
  const [ngramAloneThreshold, ngramAlone] = bestOf(alone);
  const ours = await typedWith('model', new ModelOfferer(engine, threshold));
  const models = sweep ? await swept('model', (least) => new ModelOfferer(engine, least)) : undefined;
  const methods = { ours, words, ngram, ngramAlone };
  const typed = drawn.map(([, found], i) =>
    found.map((_, j) => ({
      ours: ours[i]?.[j] as Typing,
      words: words[i]?.[j] as Typing,
      ngram: ngram[i]?.[j] as Typing,
    })),
  );
  return {
    languages: drawn.map(([language], i) => keysRow(language, methods, (typings) => typings[i] as Typing[])),
    overall: { ...keysRow('all', methods, (typings) => typings.flat()), interval: interval(typed) },
    threshold,
    ngramThreshold,
    ngramAloneThreshold,
    ngramSweep: asSweep(full),
    ...(models === undefined ? {} : { sweep: asSweep(models) }),
  };
}

/** @param part the windows of the row */
function keysRow(
  language: KeysRow['language'],
  methods: Record<'ours' | 'words' | 'ngram' | 'ngramAlone', Typings>,
  part: (typings: Typings) => Typing[],
): KeysRow {
  const method = (typings: Typings): Method => {
    const sum = sumOf(part(typings));
    return { ...sum, saved: keystrokesSaved(sum) };
  };
  const [ours, words, ngram] = [method(methods.ours), method(methods.words), method(methods.ngram)];
  return {
    language,
    windows: part(methods.ours).length,
    ours,
    words,
    ngram,
    ngramAlone: method(methods.ngramAlone),
    ratio: ours.saved / Math.max(words.saved, ngram.saved),
  };
}
