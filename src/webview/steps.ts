// The arithmetic of the lesson. Pure.
import type { LessonAnswer } from '../inspectionProtocol';

/** Σ a · b. */
export function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}

/** What one key gives along the direction of the output: weight · value · output / |output|². */
export function shareOf({
  weights,
  key,
  value,
  output,
}: Pick<LessonAnswer, 'weights' | 'key' | 'value' | 'output'>): number {
  const square = dot(output, output);
  return square > 0 ? ((weights[key] ?? 0) * dot(value, output)) / square : 0;
}

/** Σ exp(score − largest). */
export function sumOfExp(scores: Float32Array, largest: number): number {
  return scores.reduce((sum, score) => sum + Math.exp(score - largest), 0);
}

/** The two numbers of a pair. */
export function pairOf(vector: Float32Array, pair: number, interleaved: boolean, pairs: number): [number, number] {
  const [a, b] = interleaved ? [2 * pair, 2 * pair + 1] : [pair, pair + pairs];
  return [vector[a] ?? 0, vector[b] ?? 0];
}
