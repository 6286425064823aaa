// Asks transformers.js, in one process for many folders.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { transformersOrWhyNot } from '../models/peers/transformers.mjs';

/** A folder, and what is run; see models/peers/greedy.mjs. */
export interface PeerJob {
  dir: string;
  dtype: string;
  file?: string;
  ids: number[];
  tokens: number;
}

/** Greedy tokens, and the logits after the ids; or what went wrong. */
export type PeerAnswer = { tokens: number[]; logits: number[] } | { error: string };

/** False, or why transformers.js cannot be had here. */
export const { skip: noPeer } = transformersOrWhyNot(process.cwd());

/** What transformers.js makes of some folders, in their order. @param script of models/peers */
export function askPeer<Answer = PeerAnswer>(jobs: readonly object[], script = 'greedy.mjs'): Answer[] {
  const path = join(process.cwd(), 'models/peers', script);
  const { stdout, stderr } = spawnSync(process.execPath, [path, process.cwd()], {
    input: JSON.stringify(jobs),
    maxBuffer: 2 ** 28,
    encoding: 'utf8',
  });
  try {
    return JSON.parse(stdout) as Answer[];
  } catch {
    throw new Error(`transformers.js gave no answer: ${stderr.slice(0, 2000)}`);
  }
}
