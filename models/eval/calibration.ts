// How well probabilities agree with what happens: the reliability diagram (DeGroot and Fienberg 1983), the expected calibration error
// (Naeini et al. 2015) and the Brier score (Brier 1950).

import type { ShownOffer } from './observe';

/** Bins of equal width. */
const BINS = 10;

/** A prediction and what happened. */
export interface Prediction {
  /** In [0, 1]. */
  probability: number;
  right: boolean;
}

/** The predictions of one bin. */
export interface Bin {
  count: number;
  /** Their mean; 0 where there is none. */
  predicted: number;
  /** The share that was right; 0 where there is none. */
  observed: number;
}

export interface Reliability {
  /** [bin] from 0 to 1. */
  bins: Bin[];
  count: number;
  predicted: number;
  observed: number;
  /** Mean distance of predicted and observed over the bins, by their counts. */
  ece: number;
  /** Mean of (probability − 1 or 0)². */
  brier: number;
}

/** Of the offers shown: as the model alone has it, and as it is given. */
export interface Calibration {
  threshold: number;
  before: Reliability;
  after: Reliability;
}

/** Measures offers that were shown from `threshold` on. */
export function calibrationOf(offers: readonly ShownOffer[], threshold: number): Calibration {
  return {
    threshold,
    before: reliability(offers.map((offer) => ({ ...offer, probability: Math.exp(offer.logProbability) }))),
    after: reliability(offers),
  };
}

/** Compares predictions with what happened. */
export function reliability(predictions: readonly Prediction[]): Reliability {
  const binOf = (probability: number): number => Math.min(BINS - 1, Math.floor(probability * BINS));
  const bins = Array.from({ length: BINS }, (_, i) =>
    summary(predictions.filter(({ probability }) => binOf(probability) === i)),
  );
  const count = predictions.length;
  const mean = (value: (prediction: Prediction) => number): number =>
    predictions.reduce((sum, prediction) => sum + value(prediction), 0) / Math.max(1, count);
  return {
    bins,
    ...summary(predictions),
    ece: bins.reduce((sum, bin) => sum + bin.count * Math.abs(bin.predicted - bin.observed), 0) / Math.max(1, count),
    brier: mean(({ probability, right }) => (probability - Number(right)) ** 2),
  };
}

function summary(predictions: readonly Prediction[]): Bin {
  const count = predictions.length;
  const sum = (value: (prediction: Prediction) => number): number =>
    predictions.reduce((total, prediction) => total + value(prediction), 0) / Math.max(1, count);
  return { count, predicted: sum(({ probability }) => probability), observed: sum(({ right }) => Number(right)) };
}
