// Settings → one readonly object. The only reader of the configuration; defaults are in package.json and nowhere else.

import * as vscode from 'vscode';
import type { Sampling } from '../protocol';

export interface Config {
  readonly enabled: boolean;
  /** Model folder; '' is the shipped one. */
  readonly model: string;
  readonly device: string;
  /** Longest suggestion, in tokens. */
  readonly maxTokens: number;
  readonly sampling: Sampling;
  /** Longest text of the Generate commands, in tokens. */
  readonly generateMaxTokens: number;
  readonly generateSampling: Omit<Sampling, 'seed'>;
}

export function readConfig(): Config {
  const section = vscode.workspace.getConfiguration('glassbox');
  const get = <T>(key: string): T => section.get(key) as T;
  const filters = { topK: get<number>('topK'), topP: get<number>('topP') };
  return {
    enabled: get('enabled'),
    model: get<string>('model').trim(),
    device: get('device'),
    maxTokens: get('maxTokens'),
    sampling: { temperature: get('temperature'), ...filters, seed: 0 },
    generateMaxTokens: get('generate.maxTokens'),
    generateSampling: { temperature: get('generate.temperature'), ...filters },
  };
}

/** True when the engine must be started anew for the change to count. */
export function needsRestart(event: vscode.ConfigurationChangeEvent): boolean {
  return event.affectsConfiguration('glassbox.model') || event.affectsConfiguration('glassbox.device');
}

export async function setEnabled(enabled: boolean): Promise<void> {
  await vscode.workspace.getConfiguration('glassbox').update('enabled', enabled, vscode.ConfigurationTarget.Global);
}
