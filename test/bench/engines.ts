// Which processes a subject needs, and how each is to load.

import { join } from 'node:path';
import { engineEnvironment } from '../../src/extension/engineEnvironment';
import type { Options, Peer } from './options';
import type { LoadOptions } from './protocol';
import type { Subject } from './subjects';
import { Worker } from './worker';

export interface Entrant {
  worker: Worker;
  options: LoadOptions;
}

/** The bundle of our own engine. */
const OURS = 'ours.mjs';

/**
 * The engines that can run the subject, ours first.
 * @param bundles where the engines' bundles lie
 * @param contextLength longest sequence that will be asked for, in tokens
 */
export function enginesOf(
  { folder, gguf, dtype }: Subject,
  { device, peers, llamaThreads, llamaFlash, transformersThreads }: Options,
  { root, bundles, contextLength }: { root: string; bundles: string; contextLength: number },
): Entrant[] {
  const entrant = (name: string, file: string, options: Omit<LoadOptions, 'contextLength' | 'dtype'>): Entrant => ({
    // Ours gets the environment that the extension gives it, the others the one their users do.
    worker: new Worker(name, join(bundles, file), root, file === OURS ? engineEnvironment(process.env) : process.env),
    options: { contextLength, dtype, ...options },
  });
  const several = (values: readonly unknown[], name: string): string[] => (values.length > 1 ? [name] : []);
  const ways = llamaThreads.flatMap((threads) => llamaFlash.map((flash) => ({ threads, flash })));
  const known: Record<Peer, () => Entrant[]> = {
    llama: () =>
      gguf === undefined
        ? []
        : ways.map(({ threads, flash }) => {
            const name = [
              'llama.cpp',
              ...several(llamaThreads, `threads ${threads}`),
              ...several(llamaFlash, `flash ${flash}`),
            ];
            const flashAttention = flash === 'on';
            return entrant(name.join(', '), 'llamaCpp.mjs', { path: gguf, device: 'cpu', threads, flashAttention });
          }),
    transformers: () => [
      entrant('transformers.js', 'transformersJs.mjs', { path: folder, device: 'cpu', threads: transformersThreads }),
    ],
  };
  return [entrant('glassbox', OURS, { path: folder, device }), ...peers.flatMap((peer) => known[peer]())];
}
