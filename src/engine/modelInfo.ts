// What is said of a loaded model.

import type { ModelInfo } from '../protocol';
import type { Model } from './model';
import type { Tokenizer } from './tokenizer';

/** @param chat whether it was taught to chat; @param start when loading began, in the time of `performance` */
export function infoOf(model: Model, tokenizer: Tokenizer, chat: boolean, start: number): ModelInfo {
  const { name, dir, weights, config } = model.folder;
  return {
    name,
    dir,
    weights,
    ...placeOf(model),
    layers: config.layers,
    heads: config.heads,
    kvHeads: config.kvHeads,
    headDim: config.headDim,
    vocab: config.vocab,
    contextLength: config.contextLength,
    fillInTheMiddle: tokenizer.fim !== undefined,
    chat,
    kind: 'decoder',
    loadMs: performance.now() - start,
  };
}

/** Where a model runs. */
export function placeOf({ device, deviceNote, graphNote }: Model): Pick<ModelInfo, 'device' | 'deviceNote' | 'graph'> {
  return { device, graph: graphNote, ...(deviceNote === undefined ? {} : { deviceNote }) };
}
