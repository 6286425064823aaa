// The steps that are measured, each in a process of its own: building a model, and using it.

import { readFileSync } from 'node:fs';
import { checkedBuild } from '../../../src/engine/build/checkedBuild';
import { Model } from '../../../src/engine/model';
import { readModelFolder } from '../../../src/engine/modelFolder';
import { argmax } from '../../../src/engine/sampler';
import type { BuildJob, BuildResult } from '../../../src/jobProtocol';
import { median } from '../stats';

const PROMPT = 256;
const WRITTEN = 32;
const MB = 1e6;

export interface BuildFigures extends BuildResult {
  /** Megabytes at the most, while it was built, and with the check, for which the model is loaded. */
  buildPeak: number;
  peak: number;
}

export interface UseFigures {
  loadSeconds: number;
  /** Megabytes resident after use: all, and those that no file stands behind. */
  rss: number;
  anonymous: number;
  /** Tokens a second of a prompt of 256. */
  prefill: number;
  /** Milliseconds a token after it, the median of 32. */
  decode: number;
  graph: string;
}

export async function buildStep(job: BuildJob): Promise<BuildFigures> {
  let buildPeak = 0;
  const first = { doing: '' };
  const result = await checkedBuild(
    job,
    ({ doing }) => {
      first.doing ||= doing;
      if (doing === first.doing) buildPeak = memory('VmHWM');
    },
    new AbortController().signal,
  );
  return { ...result, buildPeak, peak: memory('VmHWM') };
}

export async function useStep(dir: string): Promise<UseFigures> {
  const start = performance.now();
  const folder = readModelFolder(dir);
  const model = await Model.load(folder, 'cpu');
  const loadSeconds = (performance.now() - start) / 1000;
  const ids = Array.from({ length: PROMPT }, (_, i) => (i * 7919 + 11) % folder.config.vocab);
  const prefills: number[] = [];
  let decodes: number[] = [];
  for (let round = 0; round < 3; round++) {
    const cache = model.newCache();
    const begin = performance.now();
    let logits: Float32Array = new Float32Array();
    for (let at = 0; at < PROMPT;) {
      const part = ids.slice(at, at + model.chunk);
      logits = await model.forward(part, cache);
      at += part.length;
    }
    prefills.push(performance.now() - begin);
    decodes = [];
    for (let i = 0; i < WRITTEN; i++) {
      const before = performance.now();
      logits = await model.forward([argmax(logits)], cache);
      decodes.push(performance.now() - before);
    }
    cache.dispose();
  }
  return {
    loadSeconds,
    rss: memory('VmRSS'),
    anonymous: memory('RssAnon'),
    prefill: (PROMPT * 1000) / Math.min(...prefills),
    decode: median(decodes),
    graph: model.graphNote,
  };
}

/** Megabytes of this process, as Linux counts them; elsewhere what is resident now. */
function memory(name: 'VmHWM' | 'VmRSS' | 'RssAnon'): number {
  try {
    const found = new RegExp(`${name}:\\s*(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8'));
    return (Number(found?.[1]) * 1024) / MB;
  } catch {
    return process.memoryUsage().rss / MB;
  }
}
