// Settings → one readonly object. The only reader of the configuration; defaults are in package.json and nowhere else.

import * as vscode from 'vscode';
import type { Sampling } from '../protocol';

export interface Config {
  readonly enabled: boolean;
  /** Model folder; '' is the shipped one. */
  readonly model: string;
  readonly device: string;
  /** Threads that a run is spread over; 0: what suits the machine. */
  readonly threads: number;
  /** What the caches of all documents may hold together, in MB. */
  readonly cacheMemory: number;
  /** The engine sleeps when nobody has asked it for this long, in minutes; 0: never. */
  readonly unloadAfterMinutes: number;
  /** Longest suggestion, in tokens. */
  readonly maxTokens: number;
  readonly sampling: Sampling;
  /** A suggestion ends before it becomes less probable than this; see `CompletionRequest.minProbability`. */
  readonly minProbability: number;
  /** Longest text of the Generate commands, in tokens. */
  readonly generateMaxTokens: number;
  readonly generateSampling: Omit<Sampling, 'seed'>;
}

/** What the setting glassbox.threshold stands for. */
const MIN_PROBABILITY = { careful: 0.5, balanced: 0.25, eager: 0.08 };
type Threshold = keyof typeof MIN_PROBABILITY;

/** Reads the settings. VS Code hands through whatever stands in settings.json: what is of the wrong type or range counts as the default. */
export function readConfig(): Config {
  const section = vscode.workspace.getConfiguration('glassbox');
  const get = <T>(key: string, valid: (value: unknown) => boolean): T => {
    const value: unknown = section.get(key);
    return (valid(value) ? value : section.inspect(key)?.defaultValue) as T;
  };
  const text = (value: unknown): boolean => typeof value === 'string';
  const from = (least: number, most: number) => (value: unknown) =>
    typeof value === 'number' && value >= least && value <= most;
  const whole = (least: number, most: number) => (value: unknown) =>
    Number.isInteger(value) && from(least, most)(value);
  const filters = {
    topK: get<number>('topK', whole(0, 1000)),
    topP: get<number>('topP', from(0.01, 1)),
    minP: get<number>('minP', from(0, 1)),
  };
  return {
    enabled: get<boolean>('enabled', (value) => typeof value === 'boolean'),
    model: get<string>('model', text).trim(),
    device: get<string>('device', text),
    threads: get<number>('threads', whole(0, 256)),
    cacheMemory: get<number>('cacheMemory', whole(0, 65_536)),
    unloadAfterMinutes: get<number>('unloadAfterMinutes', from(0, 10_080)),
    maxTokens: get<number>('maxTokens', whole(1, 512)),
    sampling: { temperature: get<number>('temperature', from(0, 2)), ...filters, seed: 0 },
    minProbability:
      MIN_PROBABILITY[
        get<Threshold>('threshold', (value) => typeof value === 'string' && Object.hasOwn(MIN_PROBABILITY, value))
      ],
    generateMaxTokens: get<number>('generate.maxTokens', whole(1, 4096)),
    generateSampling: {
      repetitionPenalty: get<number>('generate.repetitionPenalty', from(1, 2)),
      temperature: get<number>('generate.temperature', from(0, 2)),
      ...filters,
    },
  };
}

/** True when the engine must be started anew for the change to count. */
export function needsRestart(event: vscode.ConfigurationChangeEvent): boolean {
  return ['model', 'device', 'threads', 'cacheMemory'].some((key) => event.affectsConfiguration(`glassbox.${key}`));
}

/** Turns suggestions on or off where that takes effect: in the workspace if it has a value of its own, else for the user. */
export async function setEnabled(enabled: boolean): Promise<void> {
  const section = vscode.workspace.getConfiguration('glassbox');
  const inWorkspace = section.inspect('enabled')?.workspaceValue !== undefined;
  await section.update(
    'enabled',
    enabled,
    inWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global,
  );
}
