// Tries a model on a device beside the CPU: are the numbers the same, and is it faster? Runs in a process of its own (autoDevice.ts).

import type { Model } from './model';

/** A prompt and a suggestion of a common length, in tokens. */
export const PROMPT = 64;
export const WRITTEN = 8;
/** After the first part is measured the cache is cut back to here, for what follows to be compared. */
const KEPT = 24;
/** A device may find another token likeliest if the CPU finds it as likely, within this share of the largest logit. */
const NEAR = 0.02;
/** How much faster a device must be: less is not felt, and the CPU costs no start of a driver. */
export const WORTH = 1.25;

export interface Trial {
  device: string;
  /** Whether it found the same tokens likeliest as the CPU. */
  agrees: boolean;
  /** Milliseconds for a prompt and a suggestion, on the device and on the CPU. */
  ms: number;
  cpuMs: number;
}

/** What of a model a trial needs. */
export type TriedModel = Pick<Model, 'device' | 'newCache' | 'forward'> & { folder: { config: { vocab: number } } };

/**
 * Runs both models over the same tokens; the first round, in which a GPU's kernels are compiled, does not count.
 * @throws EngineError `inference_failed`
 */
export async function tryDevice(model: TriedModel, cpu: TriedModel): Promise<Trial> {
  const asked = model.device;
  await round(model, await round(cpu));
  const right = await round(cpu);
  const found = await round(model, right);
  const agrees =
    model.device === asked && // it did not fall back on the way
    found.logits.every((logits, i) => agree(logits, right.logits[i] as Float32Array));
  return { device: asked, agrees, ms: found.ms, cpuMs: right.ms };
}

/** The device to use after trials, and why. */
export function best(trials: readonly Trial[]): { device: string; reason: string } {
  const right = trials.filter(({ agrees, ms, cpuMs }) => agrees && ms * WORTH < cpuMs);
  const fastest = right.sort((a, b) => a.ms / a.cpuMs - b.ms / b.cpuMs)[0];
  const told = trials.map(
    ({ device, agrees, ms, cpuMs }) =>
      `${device} ${agrees ? `${ms.toFixed(0)} ms, the CPU ${cpuMs.toFixed(0)} ms` : 'gives other tokens'}`,
  );
  return { device: fastest?.device ?? 'cpu', reason: told.join('; ') };
}

interface Round {
  /** Logits [vocab] after each part. */
  logits: Float32Array[];
  /** The tokens written. */
  ids: number[];
  ms: number;
}

/** @param lead writes its tokens; by default those that are likeliest */
async function round(model: TriedModel, lead?: Round): Promise<Round> {
  const { vocab } = model.folder.config;
  const ids = Array.from({ length: PROMPT }, (_, i) => (i * 7919 + 11) % vocab);
  const cache = model.newCache();
  const logits: Float32Array[] = [];
  const written: number[] = [];
  const start = performance.now();
  logits.push(await model.forward(ids, cache));
  for (let i = 0; i < WRITTEN; i++) {
    const id = lead?.ids[i] ?? likeliest(logits[i] as Float32Array);
    written.push(id);
    logits.push(await model.forward([id], cache));
  }
  const ms = performance.now() - start;
  cache.truncate(KEPT);
  logits.push(await model.forward(written, cache));
  cache.dispose();
  return { logits, ids: written, ms };
}

function agree(found: Float32Array, right: Float32Array): boolean {
  const [theirs, ours] = [likeliest(found), likeliest(right)];
  const largest = right.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return (right[ours] as number) - (right[theirs] as number) <= NEAR * largest && Number.isFinite(found[theirs]);
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[best] as number)) best = i;
  return best;
}
