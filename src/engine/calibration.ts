// How often texts are right that the model gives a probability: Platt scaling (Platt 1999) of the product of its tokens' probabilities, with
// the number of tokens as a second input, since whoever wrote the first tokens as foreseen is likelier to go on so. The weights are
// measured (models/eval/calibrationFit.ts) and lie in the model's generation_config.json; a model without them is taken at its word.

import { t } from '../l10n';
import { EngineError } from './errors';

/** log-odds that the text is right = slope · log-odds of the product + offset + length · ln(tokens). */
export interface CalibrationWeights {
  /** Above 0. */
  slope: number;
  offset: number;
  length: number;
}

/** The product is kept this far from 0 and 1, where its log-odds would be infinite; as its logarithm. */
const MOST = Math.log(1 - 1e-4);
const LEAST = Math.log(1e-12);
/** Larger weights in a file are damage. */
const LARGEST = 100;

/**
 * Reads the weights from the parsed generation_config.json.
 * @param path its path, for the error
 * @returns undefined where the model has none
 * @throws EngineError `model_damaged`
 */
export function readCalibration(generation: Record<string, unknown>, path: string): CalibrationWeights | undefined {
  const value = generation['glassbox_calibration'] as Partial<Record<string, unknown>> | null | undefined;
  if (value === undefined || value === null) return undefined;
  const { slope, offset, length } = value;
  const bounded = [slope, offset, length].every((weight) => typeof weight === 'number' && Math.abs(weight) <= LARGEST);
  if (!bounded || (slope as number) <= 0)
    throw new EngineError(
      'model_damaged',
      t(
        '"{0}" in {1} is damaged. Restore the file, or take the entry out: the model then works without it.',
        'glassbox_calibration',
        path,
      ),
    );
  return { slope, offset, length } as CalibrationWeights;
}

/** What the weights are applied to: log-odds of the product, and ln(tokens). @param logProbability natural logarithm of the product */
export function inputsOf(logProbability: number, tokens: number): [logOdds: number, logTokens: number] {
  const log = Math.min(MOST, Math.max(LEAST, logProbability));
  return [log - Math.log(-Math.expm1(log)), Math.log(Math.max(1, tokens))];
}

/**
 * The probability that a text is right, in [0, 1].
 * @param logProbability natural logarithm of the product of its tokens' probabilities
 * @param tokens their number
 */
export function calibrated(weights: CalibrationWeights | undefined, logProbability: number, tokens: number): number {
  if (weights === undefined) return Math.exp(logProbability);
  const [logOdds, logTokens] = inputsOf(logProbability, tokens);
  return 1 / (1 + Math.exp(-(weights.slope * logOdds + weights.offset + weights.length * logTokens)));
}
