// Settings → one readonly object. The only reader of the configuration; defaults are in package.json and nowhere else.

import * as vscode from 'vscode';
import type { Sampling } from '../protocol';

export interface Config {
  /** Suggestions while one types, where nothing is said of the language; see `isEnabled`. */
  readonly enabled: boolean;
  /** Other files are shown to the model. */
  readonly otherFiles: boolean;
  readonly workspaceMemory: boolean;
  /** Least wait after a key, in milliseconds. */
  readonly delayMs: number;
  /** Model folder; '' is the shipped one. */
  readonly model: string;
  /** Address of the hub that models are downloaded from; '' is what the environment says, or the usual one. */
  readonly hubEndpoint: string;
  readonly device: string;
  /** A server that takes the model's place; no address: none. */
  readonly server: { readonly url: string; readonly model: string };
  /** Threads that a run is spread over; 0: what suits the machine. */
  readonly threads: number;
  /** What the caches of all documents may hold together, in MB. */
  readonly cacheMemory: number;
  /** The engine sleeps when nobody has asked it for this long, in minutes; 0: never. */
  readonly unloadAfterMinutes: number;
  /** Longest suggestion, in tokens. */
  readonly maxTokens: number;
  readonly sampling: Sampling;
  readonly threshold: Threshold;
  /** What it stands for: a suggestion ends before it becomes less probable than this; see `CompletionRequest.minProbability`. */
  readonly minProbability: number;
  /** Longest text of the Generate commands, in tokens. */
  readonly generateMaxTokens: number;
  readonly generateStrategy: Strategy;
  /** What the strategy and the other settings of Generate come to. */
  readonly generateSampling: Omit<Sampling, 'seed'>;
  /** The filters of each strategy. */
  readonly strategies: Readonly<Record<Strategy, Partial<Sampling>>>;
}

/** What the setting glassbox.threshold stands for. */
const MIN_PROBABILITY = { careful: 0.5, balanced: 0.25, eager: 0.08 };
export type Threshold = keyof typeof MIN_PROBABILITY;
export const THRESHOLDS = Object.keys(MIN_PROBABILITY) as Threshold[];

/**
 * What the setting glassbox.generate.strategy stands for; top-p is what the settings of suggestions say. The numbers are those that the
 * authors recommend: min-p of Nguyen et al. 2024 ("Turning Up the Heat"), typical sampling of Meister et al. 2023.
 */
const STRATEGY_FILTERS = {
  'top-p': {},
  'min-p': { topK: 0, topP: 1, minP: 0.05 },
  typical: { topK: 0, topP: 1, minP: 0, typicalP: 0.95 },
  greedy: { temperature: 0 },
};
export type Strategy = keyof typeof STRATEGY_FILTERS;
export const STRATEGIES = Object.keys(STRATEGY_FILTERS) as Strategy[];

/** Reads the settings. VS Code hands through whatever stands in settings.json: what is of the wrong type or range counts as the default. */
export function readConfig(): Config {
  const section = vscode.workspace.getConfiguration('glassbox');
  const get = <T>(key: string, valid: (value: unknown) => boolean): T => {
    const value: unknown = section.get(key);
    return (valid(value) ? value : section.inspect(key)?.defaultValue) as T;
  };
  const text = (value: unknown): boolean => typeof value === 'string';
  const address = (value: unknown): boolean =>
    typeof value === 'string' &&
    (value.trim() === '' || (/^https?:\/\//.test(value.trim()) && URL.canParse(value.trim())));
  const flag = (value: unknown): boolean => typeof value === 'boolean';
  const from = (least: number, most: number) => (value: unknown) =>
    typeof value === 'number' && value >= least && value <= most;
  const whole = (least: number, most: number) => (value: unknown) =>
    Number.isInteger(value) && from(least, most)(value);
  const filters = {
    topK: get<number>('topK', whole(0, 1000)),
    topP: get<number>('topP', from(0.01, 1)),
    minP: get<number>('minP', from(0, 1)),
  };
  const threshold = get<Threshold>('threshold', (value) => THRESHOLDS.includes(value as Threshold));
  const generateStrategy = get<Strategy>('generate.strategy', (value) => STRATEGIES.includes(value as Strategy));
  const strategies = { ...STRATEGY_FILTERS, 'top-p': filters, greedy: { ...filters, ...STRATEGY_FILTERS.greedy } };
  return {
    enabled: get<boolean>('enabled', flag),
    otherFiles: get<boolean>('otherFiles', flag),
    workspaceMemory: get<boolean>('workspaceMemory', flag),
    delayMs: get<number>('delay', whole(0, 5000)),
    model: get<string>('model', text).trim(),
    hubEndpoint: get<string>('hub.endpoint', address).trim(),
    device: get<string>('device', text),
    server: { url: get<string>('server.url', text).trim(), model: get<string>('server.model', text).trim() },
    threads: get<number>('threads', whole(0, 256)),
    cacheMemory: get<number>('cacheMemory', whole(0, 65_536)),
    unloadAfterMinutes: get<number>('unloadAfterMinutes', from(0, 10_080)),
    maxTokens: get<number>('maxTokens', whole(1, 512)),
    sampling: { temperature: get<number>('temperature', from(0, 2)), ...filters, seed: 0 },
    threshold,
    minProbability: MIN_PROBABILITY[threshold],
    generateMaxTokens: get<number>('generate.maxTokens', whole(1, 4096)),
    generateStrategy,
    generateSampling: {
      repetitionPenalty: get<number>('generate.repetitionPenalty', from(1, 2)),
      temperature: get<number>('generate.temperature', from(0, 2)),
      ...strategies[generateStrategy],
    },
    strategies,
  };
}

/** What .gitignore means; see the setting glassbox.gitignore. */
export type Gitignore = 'none' | 'read' | 'all';

/** Which files are left out, as their folder's settings say. */
export function exclusionsFor(resource: vscode.Uri): { exclude: readonly string[]; gitignore: Gitignore } {
  const section = vscode.workspace.getConfiguration('glassbox', resource);
  const get = <T>(key: string): T => section.get(key) as T;
  const exclude = get<unknown>('exclude');
  const gitignore = get<unknown>('gitignore');
  return {
    exclude: Array.isArray(exclude) ? exclude.filter((glob) => typeof glob === 'string') : [],
    gitignore: gitignore === 'none' || gitignore === 'all' ? gitignore : 'read',
  };
}

/** Glob patterns of what the user hides from the file tree and from searches. */
export function hiddenFiles(resource: vscode.Uri): string[] {
  return ['files', 'search'].flatMap((section) => {
    const globs = vscode.workspace.getConfiguration(section, resource).get<Record<string, unknown>>('exclude') ?? {};
    return Object.keys(globs).filter((glob) => globs[glob] === true);
  });
}

/** Whether suggestions are on in a document: its language may have a value of its own. */
export function isEnabled(document: vscode.TextDocument): boolean {
  return vscode.workspace.getConfiguration('glassbox', document).get('enabled') !== false;
}

/** Whether the editor shows suggestions of anybody. */
export function editorSuggests(document: vscode.TextDocument): boolean {
  return vscode.workspace.getConfiguration('editor', document).get('inlineSuggest.enabled') !== false;
}

/** True when the engine must be started anew for the change to count. */
export function needsRestart(event: vscode.ConfigurationChangeEvent): boolean {
  return ['model', 'device', 'threads', 'cacheMemory'].some((key) => event.affectsConfiguration(`glassbox.${key}`));
}

/** Turns suggestions on or off where that takes effect: in the workspace if it has a value of its own, else for the user. */
export function setEnabled(enabled: boolean): Promise<void> {
  return set('enabled', enabled);
}

/** Sets how sure the model must be, in the same way. */
export function setThreshold(threshold: Threshold): Promise<void> {
  return set('threshold', threshold);
}

/** Where the model runs: the settings glassbox.device and glassbox.threads. */
export type Place = Pick<Config, 'device' | 'threads'>;

/** Sets where the model runs, in the same way; what is so already is not written. */
export async function setPlace({ device, threads }: Place): Promise<void> {
  const now = readConfig();
  if (now.device !== device) await set('device', device);
  if (now.threads !== threads) await set('threads', threads);
}

/** Turns the workspace memory off, in the same way. */
export function turnMemoryOff(): Promise<void> {
  return set('workspaceMemory', false);
}

/** Sets the model folder, in the same way; '' is the one that comes with the product. */
export function setModel(dir: string): Promise<void> {
  return set('model', dir === '' ? undefined : dir);
}

/** Sets an option of Generate, in the same way. */
export function setGenerate(option: 'strategy' | 'temperature' | 'maxTokens', value: string | number): Promise<void> {
  return set(`generate.${option}`, value);
}

async function set(key: string, value: unknown): Promise<void> {
  const section = vscode.workspace.getConfiguration('glassbox');
  const inWorkspace = section.inspect(key)?.workspaceValue !== undefined;
  await section.update(
    key,
    value,
    inWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global,
  );
}

/** Turns suggestions on or off in a language, in the workspace if it has a value for it, else for the user. */
export async function setEnabledIn(languageId: string, enabled: boolean): Promise<void> {
  const section = vscode.workspace.getConfiguration('glassbox', { languageId });
  const inspected = section.inspect('enabled');
  const inWorkspace = inspected?.workspaceLanguageValue !== undefined;
  const target = inWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
  await section.update('enabled', enabled, target, true);
}

/** The entry of glassbox.exclude that stands for one file: its path in its folder, or the whole; what has a meaning in patterns becomes `?`. */
function patternFor(uri: vscode.Uri): string {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  const path = folder === undefined ? uri.path : uri.path.slice(folder.uri.path.replace(/\/$/, '').length);
  return path.replace(/[*?[\]{}\\]/g, '?');
}

/** Whether glassbox.exclude names this one file, as `setExcluded` does. */
export function isExcludedAlone(uri: vscode.Uri): boolean {
  return exclusionsFor(uri).exclude.includes(patternFor(uri));
}

/** Names one file in glassbox.exclude of its folder, or of the user where it is in none; or takes its name out of there. */
export async function setExcluded(uri: vscode.Uri, excluded: boolean): Promise<void> {
  const pattern = patternFor(uri);
  const others = exclusionsFor(uri).exclude.filter((glob) => glob !== pattern);
  const value = excluded ? [...others, pattern] : others;
  const { WorkspaceFolder, Global } = vscode.ConfigurationTarget;
  const target = vscode.workspace.getWorkspaceFolder(uri) === undefined ? Global : WorkspaceFolder;
  const section = vscode.workspace.getConfiguration('glassbox', uri);
  await section.update('exclude', value.length === 0 ? undefined : value, target);
}
