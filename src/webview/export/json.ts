// One head with all its weights as JSON. Names are for programs, and the same in every language. Pure.
import { fromU16, rowStart } from '../../attention/weights';
import type { TextAnswer, TokenFacts } from '../../inspectionProtocol';

export interface SavedHead {
  facts: TextAnswer;
  tokens: readonly TokenFacts[];
  layer: number;
  head: number;
  /** Lower triangle of n rows, w = 65535 · √p. */
  weights: Uint16Array;
  n: number;
  /** [n] */
  valueNorms: Float32Array;
  /** What the reader had chosen; the weights are the model's own all the same. */
  settings: Readonly<Record<string, number | string | boolean>>;
}

/** Steps of a rounded weight: finer than what it is exact to. */
const STEPS = 1e7;

/** The text of a JSON file: weights[query][key] for all keys up to the query, each row a line of its own. */
export function jsonOfHead({ facts, tokens, layer, head, weights, n, valueNorms, settings }: SavedHead): string {
  const { model, shape, kernel, precision, promptTokens, path, files } = facts;
  const known = {
    format: 'glassbox attention head 1',
    model,
    shape,
    kernel,
    precision,
    layer,
    head,
    settings,
    path,
    files,
    promptTokens,
    tokens: tokens.slice(0, n).map(({ id, text, special, logprob }) => ({ id, text, special, logprob })),
    valueNorms: Array.from(valueNorms.subarray(0, n), (norm) => Number(norm.toPrecision(6))),
  };
  const rows = Array.from({ length: n }, (_, query) => {
    const row = Array.from({ length: query + 1 }, (__, key) => {
      const p = fromU16(weights[rowStart(query) + key] as number);
      return Math.round(p * STEPS) / STEPS;
    });
    return `  ${JSON.stringify(row)}`;
  });
  return `${JSON.stringify(known, undefined, 1).slice(0, -2)},\n "weights": [\n${rows.join(',\n')}\n ]\n}\n`;
}
