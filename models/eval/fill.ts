// Fill-in-the-middle: what was cut out of a file, written again by the model.

import type { Engine } from '../../src/engine/engine';
import type { EvalFile, Language } from './files';
import { blockHoles, lineHoles, type Hole } from './holes';
import { mean } from './mean';
import { editSimilarity } from './similarity';

/** One language; shares and similarities in [0, 1], means over the holes. */
export interface FillRow {
  language: Language;
  /** Rests of lines. */
  lines: number;
  /** The first line equals what stood there, white space at the ends aside. */
  exact: number;
  similarity: number;
  /** The same holes, the model given nothing but the line and the path. */
  exactAlone: number;
  similarityAlone: number;
  /** Blocks of two to six lines; NaN figures where there are none. */
  blocks: number;
  exactBlock: number;
  /** Lines right from the top on, before the first that is not, by the lines of the block. */
  linesRight: number;
  blockSimilarity: number;
}

const SEED = 11;
/** Most tokens of the rest of a line (60 characters at most), and of a block. */
const LINE_TOKENS = 32;
const BLOCK_TOKENS = 160;

/** Fills `count` rests of lines and `count` blocks of each language, or as many as there are. */
export async function fill(
  languages: readonly [Language, EvalFile[]][],
  engine: Pick<Engine, 'complete'>,
  count: number,
  progress: (text: string) => void,
): Promise<FillRow[]> {
  const rows: FillRow[] = [];
  for (const [language, files] of languages) {
    const lines = lineHoles(files, count, SEED);
    const written = { exact: [] as number[], similarity: [] as number[] };
    const alone = { exact: [] as number[], similarity: [] as number[] };
    for (const [i, hole] of lines.entries()) {
      progress(`fill: ${language}, line ${i + 1} of ${lines.length}`);
      const { before, middle, after, path } = parts(hole);
      const line = before.slice(before.lastIndexOf('\n') + 1);
      for (const [prefix, suffix, scores] of [
        [before, after, written],
        [line, '', alone],
      ] as const) {
        const first = firstLine(await greedy(engine, prefix, suffix, path, LINE_TOKENS));
        scores.exact.push(Number(first === middle.trim()));
        scores.similarity.push(editSimilarity(first, middle.trim()));
      }
    }
    const found = blockHoles(files, count, SEED);
    const block = { exact: [] as number[], right: [] as number[], similarity: [] as number[] };
    for (const [i, hole] of found.entries()) {
      progress(`fill: ${language}, block ${i + 1} of ${found.length}`);
      const { before, middle, after, path } = parts(hole);
      const text = trimmedLines(await greedy(engine, before, after, path, BLOCK_TOKENS));
      const expected = trimmedLines(middle);
      block.exact.push(Number(text.join('\n') === expected.join('\n')));
      block.right.push(linesRight(text, expected) / expected.length);
      block.similarity.push(editSimilarity(text.join('\n'), expected.join('\n')));
    }
    rows.push({
      language,
      lines: lines.length,
      exact: mean(written.exact),
      similarity: mean(written.similarity),
      exactAlone: mean(alone.exact),
      similarityAlone: mean(alone.similarity),
      blocks: found.length,
      exactBlock: mean(block.exact),
      linesRight: mean(block.right),
      blockSimilarity: mean(block.similarity),
    });
  }
  return rows;
}

/** Lines that are right before the first that is not. */
export function linesRight(written: readonly string[], expected: readonly string[]): number {
  const wrong = expected.findIndex((line, i) => written[i] !== line);
  return wrong < 0 ? expected.length : wrong;
}

function parts({ file, start, end }: Hole): Record<'before' | 'middle' | 'after' | 'path', string> {
  const { text, path } = file;
  return { before: text.slice(0, start), middle: text.slice(start, end), after: text.slice(end), path };
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] as string).trim();
}

function trimmedLines(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
}

async function greedy(
  engine: Pick<Engine, 'complete'>,
  prefix: string,
  suffix: string,
  path: string,
  maxTokens: number,
): Promise<string> {
  const sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };
  const request = { prefix, suffix, path, maxTokens, sampling, raw: false };
  return (await engine.complete(request, { signal: new AbortController().signal })).text;
}
