// What stands in the list of models: what is in use, what is on this machine, what suits it, what else there is. Pure: no `vscode`.

import type { CatalogEntry } from '../../catalog/entry';
import { fitOf, recommended, type Fit, type MachineFacts } from '../../catalog/fit';
import { t } from '../../l10n';
import { bytesInWords, parametersInWords } from './sizes';

/** What is known when the list is made. */
export interface ModelFacts {
  /** The folder that the setting names; '' for the model that comes with the product. */
  inUse: string;
  shippedBytes: number;
  /** Models of the store that are complete. */
  stored: readonly Stored[];
  /** What was begun and not ended: not all of it is here, or it has not been built. */
  partial: readonly { name: string; bytes: number; dir: string; whole: boolean }[];
  catalog: readonly CatalogEntry[];
  machine: MachineFacts;
  /** The machine's speed is not known yet, but will be: nothing is recommended until then. */
  measuring: boolean;
}

/** A model of the store. */
export interface Stored {
  dir: string;
  /** owner/name */
  name: string;
  /** Full commit hash. */
  revision: string;
  bytes: number;
}

/** What choosing an entry does. */
export type Choice =
  | { kind: 'use'; dir: string }
  | { kind: 'fetch'; name: string; weights?: string }
  | { kind: 'hub' }
  | { kind: 'folder' };

export interface ModelEntry {
  label: string;
  description?: string;
  detail?: string;
  /** Absent: a line between groups. */
  choice?: Choice;
  /** A folder that its button removes. */
  removes?: string;
}

/** The entries from top to bottom. */
export function modelEntries(facts: ModelFacts): ModelEntry[] {
  const best = facts.measuring ? undefined : recommended(facts.catalog, facts.machine);
  const here = new Set(facts.stored.map(({ name }) => name));
  const listed = facts.catalog.filter(({ name }) => !here.has(name));
  const suiting = listed.filter((entry) => verdictOn(entry, facts).verdict === 'suits');
  const others = listed.filter((entry) => !suiting.includes(entry));
  const first = suiting.filter((entry) => entry === best);
  const rest = suiting.filter((entry) => entry !== best);
  return [
    line(t('On this machine')),
    shipped(facts),
    ...facts.stored.map((model) => stored(model, facts)),
    ...elsewhere(facts),
    ...(facts.partial.length === 0 ? [] : [line(t('Begun')), ...facts.partial.map(partial)]),
    ...(suiting.length === 0
      ? []
      : [line(facts.measuring ? t('Measuring how fast this machine is…') : t('Suits this machine'))]),
    ...[...first, ...rest].map((entry) => offered(entry, facts, entry === best)),
    ...(others.length === 0 ? [] : [line(t('Too slow or too large for this machine'))]),
    ...others.map((entry) => offered(entry, facts, false)),
    line(t('Any other')),
    {
      label: `$(cloud-download) ${t('A model of the hub…')}`,
      description: t('owner/name'),
      choice: { kind: 'hub' },
    },
    { label: `$(folder-opened) ${t('A folder on this machine…')}`, choice: { kind: 'folder' } },
  ];
}

function line(label: string): ModelEntry {
  return { label };
}

function shipped({ inUse, shippedBytes }: ModelFacts): ModelEntry {
  return {
    label: marked(t('The model that comes with Glassbox'), inUse === ''),
    description: bytesInWords(shippedBytes),
    detail: t('Small and instant; fills in the middle of a file; for Python, TypeScript and JavaScript'),
    choice: { kind: 'use', dir: '' },
  };
}

function stored({ dir, name, revision, bytes }: Stored, { inUse, machine, catalog }: ModelFacts): ModelEntry {
  const entry = catalog.find((listed) => listed.name === name);
  return {
    label: marked(entry?.title ?? name, inUse === dir),
    description: [bytesInWords(bytes), ...(entry === undefined ? [] : [name]), revision.slice(0, 7)].join(' · '),
    detail: fitInWords(fitOf(bytes, machine)),
    choice: { kind: 'use', dir },
    removes: dir,
  };
}

/** The folder of the setting, where it is none of the store. */
function elsewhere({ inUse, stored }: ModelFacts): ModelEntry[] {
  if (inUse === '' || stored.some(({ dir }) => dir === inUse)) return [];
  return [{ label: marked(inUse, true), description: t('a folder'), choice: { kind: 'use', dir: inUse } }];
}

function partial({ name, bytes, dir, whole }: ModelFacts['partial'][number]): ModelEntry {
  return {
    label: `$(debug-continue) ${name}`,
    description: whole ? t('its weights are here; build the graph') : t('{0} are here; go on', bytesInWords(bytes)),
    choice: { kind: 'fetch', name, ...(whole ? { weights: 'safetensors' } : {}) },
    removes: dir,
  };
}

function offered(entry: CatalogEntry, facts: ModelFacts, best: boolean): ModelEntry {
  const fit = verdictOn(entry, facts);
  const icon = best ? '$(star-full) ' : fit.verdict === 'suits' ? '$(cloud-download) ' : '$(warning) ';
  const can = [
    ...(entry.fillInTheMiddle ? [t('fills in the middle')] : [t('writes on only, and does not see what follows')]),
    ...(entry.chat ? [t('answers prompts')] : []),
  ];
  return {
    label: `${icon}${entry.title}`,
    description: best ? t('recommended for this machine') : entry.name,
    detail: [
      t('{0} to download', bytesInWords(entry.downloadBytes)),
      fitInWords(fit),
      ...can,
      parametersInWords(entry.parameters),
      t('{0} tokens of context', entry.context.toLocaleString('en')),
      entry.licence,
    ].join(' · '),
    choice: { kind: 'fetch', name: entry.name, weights: entry.weights },
  };
}

function verdictOn({ weightsBytes }: CatalogEntry, { machine }: ModelFacts): Fit {
  return fitOf(weightsBytes, machine);
}

/** Memory and time of a model on this machine. */
export function fitInWords({ memoryBytes, tokenMs, verdict }: Fit): string {
  const memory = t('{0} of memory', bytesInWords(memoryBytes));
  const time = tokenMs === undefined ? [] : [t('{0} ms a token', tokenMs.toFixed(tokenMs < 10 ? 1 : 0))];
  const words =
    verdict === 'suits'
      ? []
      : verdict === 'too large'
        ? [t('too large for this machine')]
        : verdict === 'slow'
          ? [t('slow here')]
          : [t('very slow here')];
  return [memory, ...time, ...words].join(' · ');
}

function marked(label: string, inUse: boolean): string {
  return inUse ? `$(check) ${label}` : `$(blank) ${label}`;
}
