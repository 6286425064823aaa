// One head's arithmetic for one query and one key, step by step, from the numbers of a run.

import { t } from '../../l10n';
import type { AskLesson, LessonAnswer } from '../../inspectionProtocol';
import type { Rotary } from '../graph/rewrite';
import type { RowCache } from '../rowCache';
import type { Lens } from './lens';
import type { Sequence } from './sequences';

/**
 * @param cache holds the sequence up to the query at least; it is left as it was
 * @throws EngineError `inference_failed`
 */
export async function lessonOf(
  lens: Lens,
  cache: RowCache,
  { id, ids }: Sequence,
  { layer, head, query, key }: AskLesson,
): Promise<LessonAnswer> {
  const { layers, heads, rotary } = lens.graph;
  const { kvHeads, headDim, scale, window } = layers[layer] as (typeof layers)[number];
  const own = cache.branchAt(query);
  try {
    const all = await lens.query(ids[query] as number, own, layer);
    const queryRotated = all.slice(head * headDim, (head + 1) * headDim);
    const { capacity, arrays } = own.views();
    const at = Math.floor((head * kvHeads) / heads) * capacity;
    const row = (array: number, position: number): Float32Array =>
      (arrays[2 * layer + array] as Float32Array).subarray((at + position) * headDim, (at + position + 1) * headDim);
    const scores = Float32Array.from({ length: query + 1 }, (_, position) =>
      window > 0 && query - position >= window ? -Infinity : scale * dot(queryRotated, row(0, position)),
    );
    const weights = softmax(scores);
    const output = new Float32Array(headDim);
    weights.forEach((weight, position) =>
      row(1, position).forEach((value, i) => (output[i] = (output[i] as number) + weight * value)),
    );
    const keyRotated = Float32Array.from(row(0, key));
    return {
      answer: 'lesson',
      sequence: id,
      layer,
      head,
      query,
      key,
      queryPlain: turnedBack(queryRotated, query, rotary),
      queryRotated: Float32Array.from(queryRotated),
      keyPlain: turnedBack(keyRotated, key, rotary),
      keyRotated,
      angles: anglesOf(rotary),
      interleaved: rotary?.interleaved ?? false,
      scale,
      scores,
      weights,
      value: Float32Array.from(row(1, key)),
      output,
    };
  } finally {
    own.dispose();
  }
}

/** Why a lesson cannot be given. */
export function noLesson(): string {
  return t('The scores of this model are not only query · key · scale: its attention cannot be walked through.');
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
}

function softmax(scores: Float32Array): Float32Array<ArrayBuffer> {
  const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const powers = Float64Array.from(scores, (score) => Math.exp(score - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return Float32Array.from(powers, (power) => power / sum);
}

/** A vector before its rotation: R(−position) · v (Su et al. 2021). */
function turnedBack(vector: Float32Array, position: number, rotary: Rotary | undefined): Float32Array<ArrayBuffer> {
  const plain = Float32Array.from(vector);
  if (rotary === undefined) return plain;
  const { cos, sin, half, interleaved } = rotary;
  for (let i = 0; i < half; i++) {
    const [a, b] = interleaved ? [2 * i, 2 * i + 1] : [i, i + half];
    const [c, s] = [cos[position * half + i] as number, sin[position * half + i] as number];
    const [x, y] = [vector[a] as number, vector[b] as number];
    plain[a] = c * x + s * y;
    plain[b] = c * y - s * x;
  }
  return plain;
}

/** [half]: the angle of each pair from one position to the next, in radians. */
function anglesOf(rotary: Rotary | undefined): Float32Array<ArrayBuffer> {
  if (rotary === undefined) return new Float32Array(0);
  const { cos, sin, half } = rotary;
  return Float32Array.from({ length: half }, (_, i) => Math.atan2(sin[half + i] as number, cos[half + i] as number));
}
