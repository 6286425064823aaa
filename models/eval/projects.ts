// Keystrokes saved in files of whole projects: what the other files of a project are worth, and each other part that helps the model. The
// same windows are typed with everything, and then without one part after another.

import { BadInput } from '../../src/cliInput';
import { importedPaths } from '../../src/completion/imports';
import { rankBySimilarity } from '../../src/completion/similarity';
import { Engine, type EngineOptions, type Part as EnginePart } from '../../src/engine/engine';
import { choose, type Part } from '../../src/extension/context/parts';
import type { ContextFile } from '../../src/protocol';
import type { Language } from './files';
import { differenceInterval, type Range } from './interval';
import { ModelOfferer } from './modelOfferer';
import type { Project } from './projectFiles';
import { keystrokesSaved, replay, sumOf, type Typing } from './replay';
import { windows, type TypedWindow } from './windows';

/** What can be left out. */
export const SWITCHES = ['memory', 'context', 'copying', 'healing', 'threshold'] as const;
export type Switch = (typeof SWITCHES)[number];

/** The windows, typed in one way. */
export interface ProjectsRow {
  without: readonly Switch[];
  typing: Typing;
  /** 1 − keys / characters. */
  saved: number;
  /** What the row that this is compared with saves more, and where 95 % of that lies; undefined for everything itself. */
  more?: { saved: number; interval: Range; than: readonly Switch[] };
}

export interface Projects {
  names: string[];
  windows: number;
  threshold: number;
  /** Everything first. */
  rows: ProjectsRow[];
}

export interface ProjectsOptions {
  /** Most windows of a project. */
  windows: number;
  threshold: number;
  without: readonly Switch[];
}

/** @throws BadInput naming the switch that is not known */
export function switchesOf(list: string): Switch[] {
  return list.split(',').map((name) => {
    const found = SWITCHES.find((known) => known === name.trim());
    if (found === undefined) throw new BadInput(`--without ${name} is not known; there are ${SWITCHES.join(', ')}.`);
    return found;
  });
}

/** Languages of windows; files of others are known to the memory, too. */
const TYPED: readonly Language[] = ['typescript', 'javascript', 'python'];
/** Lines around the window's start that other files are compared with, and lines of imports, as in the extension. */
const LINES_BEFORE = 50;
const LINES_AFTER = 10;
const IMPORT_LINES = 400;

/**
 * Types windows of each project with everything, and without each of `without`. Other files are shown to the model only where the memory has
 * no say: what that is worth is the difference between leaving out the memory and leaving out both.
 */
export async function projects(
  found: readonly Project[],
  options: EngineOptions,
  { windows: count, threshold, without }: ProjectsOptions,
  progress: (text: string) => void,
): Promise<Projects> {
  const drawn = found.map((project) => ({
    project,
    pieces: windows(
      project.files.filter(({ language }) => TYPED.includes(language)),
      count,
    ),
  }));
  const alone = without.filter((part) => part !== 'context');
  const shown = without.includes('context');
  const ways: Switch[][] = [
    [],
    ...(shown && !alone.includes('memory') ? [['memory'] as Switch[]] : []),
    ...alone.map((part) => [part]),
    ...(shown ? [['memory', 'context'] as Switch[]] : []),
  ];
  const typed: Typing[][] = [];
  for (const way of ways) {
    const off = way.filter((part): part is EnginePart & Switch => part === 'copying' || part === 'healing');
    const engine = await Engine.load({ ...options, without: off });
    try {
      const typings: Typing[] = [];
      for (const { project, pieces } of drawn) {
        progress(`projects: ${way.length === 0 ? 'everything' : `without ${way.join(' and ')}`}, ${project.name}`);
        if (!way.includes('memory')) await remember(engine, project);
        for (const piece of pieces) {
          const context = way.includes('context') ? [] : contextOf(piece, project);
          const least = way.includes('threshold') ? 0 : threshold;
          typings.push(await replay(piece, new ModelOfferer(engine, least, { context })));
        }
      }
      typed.push(typings);
    } finally {
      await engine.dispose();
    }
  }
  const rows = ways.map((way, i): ProjectsRow => {
    const typings = typed[i] as Typing[];
    const typing = sumOf(typings);
    const saved = keystrokesSaved(typing);
    if (i === 0) return { without: way, typing, saved };
    const base = way.includes('context') ? ways.findIndex((other) => other.join() === 'memory') : 0;
    const compared = typed[base] as Typing[];
    const pairs = compared.map((more, j): [Typing, Typing] => [more, typings[j] as Typing]);
    const more = { saved: keystrokesSaved(sumOf(compared)) - saved, interval: differenceInterval(pairs) };
    return { without: way, typing, saved, more: { ...more, than: ways[base] as Switch[] } };
  });
  const names = drawn.filter(({ pieces }) => pieces.length > 0).map(({ project }) => project.name);
  return { names, windows: typed[0]?.length ?? 0, threshold, rows };
}

/** The engine remembers this project and no other. */
async function remember(engine: Engine, { files }: Project): Promise<void> {
  await engine.eraseMemory();
  await engine.remember(
    files.map(({ path, text }) => ({ path, stamp: '', text })),
    [],
  );
}

/** What the extension would show of the other files, the cursor at the start of the window. */
function contextOf({ file, start, end, inside }: TypedWindow, { files }: Project): ContextFile[] {
  const before = file.text.slice(0, start).split('\n');
  const after = inside ? file.text.slice(end).split('\n').slice(0, LINES_AFTER) : [];
  const around = [...before.slice(-LINES_BEFORE), ...after].join('\n');
  const head = before.slice(0, IMPORT_LINES).join('\n');
  const imported = importedPaths(file.path, head).map((paths) =>
    paths.find((path) => files.some((other) => other.path === path)),
  );
  const candidates = files.filter((other) => other !== file).map(({ path, text }) => ({ path, text }));
  const parts = rankBySimilarity(around, candidates).map((part): Part => ({
    ...part,
    kind: imported.includes(part.path) ? 'imported' : 'open',
  }));
  return choose(parts);
}
