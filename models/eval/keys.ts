// Keystrokes saved: the same typing with the offers of each method.

import type { Engine } from '../../src/engine/engine';
import type { EvalFile, Language } from './files';
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
  /** Saved by ours, by what the better of the other two saves. */
  ratio: number;
}

/** Keystrokes saved over all languages, at each threshold. */
export type Sweep = { threshold: number; saved: number }[];

export interface Keys {
  languages: KeysRow[];
  overall: KeysRow;
  /** The model's threshold. */
  threshold: number;
  /** The n-gram model's: its best. */
  ngramThreshold: number;
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

/** Types the windows of each language with each method. */
export async function keys(
  languages: readonly [Language, EvalFile[]][],
  engine: Pick<Engine, 'complete'>,
  ngram: Ngram,
  { windows: count, threshold, sweep }: KeysOptions,
  progress: (text: string) => void,
): Promise<Keys> {
  const drawn = languages.map(([language, files]): [Language, TypedWindow[]] => [language, windows(files, count)]);
  const typedWith = async (name: string, offerer: Offerer): Promise<Typing[]> => {
    const sums: Typing[] = [];
    for (const [language, found] of drawn) {
      const typings: Typing[] = [];
      for (const [i, window] of found.entries()) {
        progress(`keystrokes: ${name}, ${language} ${i + 1} of ${found.length}`);
        typings.push(await replay(window, offerer));
      }
      sums.push(sumOf(typings));
    }
    return sums;
  };
  const swept = async (name: string, offererAt: (threshold: number) => Offerer): Promise<[number, Typing[]][]> => {
    const results: [number, Typing[]][] = [];
    for (const least of THRESHOLDS) results.push([least, await typedWith(`${name} from ${least}`, offererAt(least))]);
    return results;
  };
  const savedBy = (typings: Typing[]): number => keystrokesSaved(sumOf(typings));
  const asSweep = (results: [number, Typing[]][]): Sweep =>
    results.map(([least, typings]) => ({ threshold: least, saved: savedBy(typings) }));

  const words = await typedWith('words', wordOfferer);
  const ngrams = await swept('n-gram', (least) => ngram.offerer(least));
  const [ngramThreshold, best] = ngrams.reduce((a, b) => (savedBy(b[1]) > savedBy(a[1]) ? b : a));
  const ours = await typedWith('model', new ModelOfferer(engine, threshold));
  const models = sweep ? await swept('model', (least) => new ModelOfferer(engine, least)) : undefined;
  const rows = drawn.map(([language, found], i) =>
    keysRow(language, found.length, ours[i] as Typing, words[i] as Typing, best[i] as Typing),
  );
  const all = drawn.reduce((sum, [, found]) => sum + found.length, 0);
  return {
    languages: rows,
    overall: keysRow('all', all, sumOf(ours), sumOf(words), sumOf(best)),
    threshold,
    ngramThreshold,
    ngramSweep: asSweep(ngrams),
    ...(models === undefined ? {} : { sweep: asSweep(models) }),
  };
}

function keysRow(language: KeysRow['language'], windows: number, ours: Typing, words: Typing, ngram: Typing): KeysRow {
  const [a, b, c] = [ours, words, ngram].map((typing): Method => ({ ...typing, saved: keystrokesSaved(typing) })) as [
    Method,
    Method,
    Method,
  ];
  return { language, windows, ours: a, words: b, ngram: c, ratio: a.saved / Math.max(b.saved, c.saved) };
}
