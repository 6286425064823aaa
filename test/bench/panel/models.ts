// The models whose panel is measured: the shipped one, and two with random weights, for more heads and for longer texts than it has.

import { join } from 'node:path';
import { decomposedAttention } from '../../forms/decomposed';
import { llamaGraph } from '../../forms/llama';
import { TINY, tinyWeights, writeModelFolder } from '../../tinyModel';

export interface Case {
  /** Folder of the model; undefined: the shipped one. */
  model: string | undefined;
  layers: number;
  heads: number;
  /** Length of the text in tokens, that is written included. */
  tokens: number;
  /** Characters of a token, about; the random models' tokens are bytes. */
  characters: number;
}

const CONTEXT = 4096;

/** Writes a model of tiny width. @returns its folder */
function written(dir: string, layers: number, heads: number): string {
  const sizes = { layers, heads, kvHeads: 2, headDim: 16, context: CONTEXT };
  const weights = tinyWeights(1, sizes);
  writeModelFolder(dir, llamaGraph(weights, { naming: 'plain' }, decomposedAttention), {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    num_hidden_layers: layers,
    hidden_size: TINY.hidden,
    num_attention_heads: heads,
    num_key_value_heads: sizes.kvHeads,
    head_dim: sizes.headDim,
    vocab_size: TINY.vocab,
    max_position_embeddings: CONTEXT,
  });
  return dir;
}

/** What is measured, with random models in subfolders of `dir`. The weights of 24 × 14 heads at 2,048 tokens are more than the engine holds. */
export function casesIn(dir: string): Case[] {
  const deep = written(join(dir, 'random-24x14'), 24, 14);
  const long = written(join(dir, 'random-6x4'), 6, 4);
  const shipped = { model: undefined, layers: 6, heads: 4, characters: 3.6 };
  return [
    { ...shipped, tokens: 256 },
    { ...shipped, tokens: 1000 }, // its context ends at 1,024
    { model: long, layers: 6, heads: 4, tokens: 2048, characters: 1 },
    { model: deep, layers: 24, heads: 14, tokens: 256, characters: 1 },
    { model: deep, layers: 24, heads: 14, tokens: 1024, characters: 1 },
  ];
}
