// The whole evaluation: options in, one report out. Called by `main.ts` and by its test.

import { join, relative } from 'node:path';
import { BadInput } from '../../src/cliInput';
import { Engine } from '../../src/engine/engine';
import { BackOff } from './backOff';
import { calibrationOf, type Calibration } from './calibration';
import { compression, type Compression } from './compression';
import { readCorpus, type Corpus } from './corpus';
import { byLanguage, readFolder, readHeldOut, type EvalFile, type Language } from './files';
import { fill, type FillRow } from './fill';
import { keys, THRESHOLDS, type Keys } from './keys';
import { Ngram } from './ngramOfferer';
import { shownOffers } from './observe';
import { sharesRun } from './overlap';
import { Pieces } from './pieces';
import { readProjects } from './projectFiles';
import { projects, type Projects, type Switch } from './projects';

/** The parts of the evaluation. */
export const PARTS = ['bpb', 'fill', 'keys', 'calibration', 'projects'] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  /** Model folder. */
  model: string;
  /** An ONNX file inside it. */
  weights?: string;
  /** A folder of source files; by default the held-out set. */
  files?: string;
  /** The training text; undefined where it is not there. */
  corpus: string | undefined;
  parts: readonly Part[];
  /** A fifth of the files, holes and windows. */
  quick: boolean;
  /** Least probability of an offer of the model. */
  threshold: number;
  /** Try other thresholds, too. */
  sweep: boolean;
  /** What projects are typed without, one after another. */
  without: readonly Switch[];
}

export interface Report {
  /** The model folder; one of this repository by its path in it. */
  model: string;
  weights: string;
  /** What it was evaluated on: a folder, or 'held out'. */
  source: string;
  quick: boolean;
  sizes: { language: Language; files: number; bytes: number }[];
  /** Files that share a run of 50 tokens with the training text; null where that text is not there. */
  overlap: { files: number; sharing: number; paths: string[] } | null;
  bpb?: Compression;
  fill?: FillRow[];
  keys?: Keys;
  calibration?: Calibration;
  projects?: Projects;
  seconds: number;
}

/** Holes of a kind and windows of typing, of each language. */
const HOLES = 60;
const WINDOWS = 8;
/** Windows of typing in projects, all together. */
const PROJECT_WINDOWS = 20;
const QUICK = 5;
/** An occurrence in the file at hand counts as so many in the corpus, and so much is kept for what was never seen; see README.md. */
const BACK_OFF = { fileWeight: 8, unseen: 2 };

/**
 * Evaluates a model.
 * @param root the repository
 * @param progress told what is being done
 * @throws BadInput, EngineError naming what cannot be used
 */
export async function evaluate(options: Options, root: string, progress: (text: string) => void): Promise<Report> {
  const start = performance.now();
  const all =
    options.files === undefined ? readHeldOut(join(root, 'models/eval/heldout.jsonl')) : readFolder(options.files);
  const languages = byLanguage(all);
  const share = options.quick ? QUICK : 1;
  const engine = await Engine.load({
    modelDir: options.model,
    device: 'cpu',
    ...(options.weights === undefined ? {} : { weights: options.weights }),
  });
  try {
    // The baseline and the check read our own tokens, whatever the model's are.
    const ours = join(root, 'models/glassbox-small');
    const pieces = new Pieces(ours);
    const corpus =
      options.corpus === undefined
        ? undefined
        : await readCorpus(options.corpus, join(ours, 'tokenizer.json'), pieces, progress);
    const report: Report = {
      model: shortPath(root, engine.info.dir),
      weights: engine.info.weights,
      source: options.files ?? 'held out',
      quick: options.quick,
      sizes: languages.map(([language, files]) => ({ language, files: files.length, bytes: bytesOf(files) })),
      overlap: corpus === undefined ? null : overlap(all, pieces, corpus, progress),
      seconds: 0,
    };
    if (options.parts.includes('bpb')) {
      const some = languages.map(([language, files]): [Language, EvalFile[]] => [
        language,
        files.filter((_, i) => i % share === 0),
      ]);
      report.bpb = await compression(some, (text) => engine.score(text), progress);
    }
    if (options.parts.includes('fill')) report.fill = await fill(languages, engine, HOLES / share, progress);
    if (options.parts.includes('keys')) {
      const ngram = (known: Corpus | undefined): Ngram =>
        new Ngram(pieces, new BackOff(known, pieces.vocab, BACK_OFF), Math.min(...THRESHOLDS));
      const full = ngram(corpus);
      const { threshold, sweep } = options;
      report.keys = await keys(
        languages,
        engine,
        { full, alone: corpus === undefined ? full : ngram(undefined) },
        { windows: Math.ceil(WINDOWS / share), threshold, sweep },
        progress,
      );
    }
    if (options.parts.includes('calibration')) {
      const shown = { windows: Math.ceil(WINDOWS / share), threshold: options.threshold };
      report.calibration = calibrationOf(await shownOffers(languages, engine, shown, progress), options.threshold);
    }
    if (options.parts.includes('projects')) {
      const { model: modelDir, weights, threshold, without, files } = options;
      const found =
        files === undefined ? readProjects(join(root, 'models/eval/projects.jsonl')) : [{ name: files, files: all }];
      report.projects = await projects(
        found,
        { modelDir, device: 'cpu', ...(weights === undefined ? {} : { weights }) },
        { windows: Math.ceil(PROJECT_WINDOWS / share / found.length), threshold, without },
        progress,
      );
    }
    report.seconds = (performance.now() - start) / 1000;
    return report;
  } finally {
    await engine.dispose();
  }
}

function shortPath(root: string, dir: string): string {
  const inside = relative(root, dir).replaceAll('\\', '/');
  return inside.startsWith('..') ? dir : inside;
}

function bytesOf(files: readonly EvalFile[]): number {
  return files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
}

function overlap(
  files: readonly EvalFile[],
  pieces: Pieces,
  corpus: Corpus,
  progress: (text: string) => void,
): NonNullable<Report['overlap']> {
  progress('overlap with the training text');
  const shares = sharesRun(
    files.map(({ text }) => pieces.encode(text)),
    corpus.tokens,
  );
  const paths = files.filter((_, i) => shares[i]).map(({ path }) => path);
  return { files: files.length, sharing: paths.length, paths };
}

/** @throws BadInput naming the part that is not known */
export function partsOf(list: string): Part[] {
  return list.split(',').map((name) => {
    const part = PARTS.find((known) => known === name.trim());
    if (part === undefined) throw new BadInput(`--only ${name} is not known; there are ${PARTS.join(', ')}.`);
    return part;
  });
}
