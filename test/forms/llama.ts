// What is the same in every form of a Llama-like graph: embedding, norms, feed-forward blocks and output, written as three kinds of
// exporters write them. A form adds its attention.

import { GraphWriter, TYPES, type Naming, type ValueInfo } from '../onnxWriter';
import { feedForward, linear, norm, normWeight, scopeOf } from './llamaParts';
import type { LlamaWeights } from '../reference';

/** Weights with what the graph's shapes need. */
export interface TinyWeights extends LlamaWeights {
  ffn: number;
  vocab: number;
  context: number;
  /** Dimensions by tensor name. */
  names: Map<string, number[]>;
}

export interface Options {
  naming: Naming;
  opset?: number;
  /** The cache and the logits are float16. */
  halfCache?: boolean;
  /** All of the graph is float16. */
  half?: boolean;
  /** The graph has the input `position_ids`. */
  positions?: boolean;
  /** Keys are kept as [batch, kvHead, headDim, position]. */
  keysTransposed?: boolean;
}

/** What a form builds with. */
export interface Tools {
  g: GraphWriter;
  w: TinyWeights;
  options: Options;
  /** x [.., in] times a module's matrix [out, in] transposed → [.., out] */
  linear: (x: string, module: string) => string;
  /** RMSNorm over the last axis, with the weight of a module. */
  norm: (x: string, module: string) => string;
  /** An initializer of the graph's own precision. */
  float: (name: string, data: Float32Array, dims: number[]) => string;
  /** A constant of the graph's own precision. */
  scalar: (g: GraphWriter, value: number) => string;
  /** The graph's own precision, as an element type. */
  floatType: number;
  /** The lowest number of that precision. */
  lowest: number;
}

/** Adds a layer's attention. @returns a function of the layer and its input [batch, query, hidden], that gives [batch, query, head · headDim] */
export type AttentionForm = (tools: Tools) => (layer: number, x: string) => string;

/** The bytes of a graph: `input_ids`, `attention_mask` and the cache in; `logits` and the cache out. */
export function llamaGraph(w: TinyWeights, options: Options, form: AttentionForm): Uint8Array {
  const { naming, half = false } = options;
  const stored = half || options.halfCache ? 'float16' : 'float32';
  const g = new GraphWriter(naming);
  const float = (name: string, data: Float32Array, dims: number[]): string => g.float(name, data, dims, half);
  const tools: Tools = {
    g,
    w,
    options,
    float,
    scalar: (g, value) => g.scalar(value, half),
    floatType: half ? TYPES.float16 : TYPES.float32,
    lowest: half ? -65504 : -3.4028234663852886e38,
    linear: (x, module) => linear(tools, x, module),
    norm: (x, module) => norm(tools, x, module),
  };
  const embedding = w.names.get('model.embed_tokens.weight') as number[];
  g.float('model.embed_tokens.weight', w.tensor('model.embed_tokens.weight'), embedding);
  let x = g.under('/model/embed_tokens').node('Gather', ['model.embed_tokens.weight', 'input_ids'], { axis: 0 });
  if (half) x = g.under('/model/embed_tokens').node('Cast', [x], { to: TYPES.float16 });

  let block: string | undefined; // what the last block gives, not yet added to x
  const nextNorm = (module: string, last = false): string => {
    if (block !== undefined && naming === 'genai') {
      const scope = g.under(scopeOf(module, naming));
      const weight = normWeight(tools, module);
      const normed = `${scopeOf(module, naming)}/output_0`;
      const sum = `${scopeOf(module, naming)}/output_3`;
      const outputs = last ? [normed] : [normed, '', '', sum];
      const attributes = { epsilon: { float: w.rmsEps } };
      scope.nodes('SkipSimplifiedLayerNormalization', [x, block, weight], outputs, attributes, 'com.microsoft');
      x = sum;
      return normed;
    }
    if (block !== undefined) x = g.under(scopeOf(module, naming)).node('Add', [x, block]);
    return norm(tools, x, module);
  };
  const attention = form(tools);
  for (let layer = 0; layer < w.layers; layer++) {
    const module = `model.layers.${layer}`;
    const attend = (): void => {
      const mixed = attention(layer, nextNorm(`${module}.input_layernorm`));
      block = tools.linear(mixed, `${module}.self_attn.o_proj`);
    };
    if (!w.feedForwardFirst) attend();
    block = feedForward(tools, nextNorm(`${module}.post_attention_layernorm`), `${module}.mlp`);
    if (w.feedForwardFirst) attend();
  }
  const logits = linear(tools, nextNorm('model.norm', true), 'lm_head', stored === 'float32' ? 'logits' : undefined);
  if (stored === 'float16') g.under('/lm_head').node('Cast', [logits], { to: TYPES.float16 }, 'logits');

  const cache = (prefix: string, length: string): ValueInfo[] =>
    Array.from({ length: w.layers }, (_, i) =>
      (['key', 'value'] as const).map((part): ValueInfo => {
        const last = options.keysTransposed && part === 'key' ? [w.headDim, length] : [length, w.headDim];
        return { name: `${prefix}.${i}.${part}`, type: stored, shape: ['batch_size', w.kvHeads, ...last] };
      }),
    ).flat();
  const ids = (name: string, length: string): ValueInfo => ({ name, type: 'int64', shape: ['batch_size', length] });
  return g.finish(
    [
      ids('input_ids', 'sequence_length'),
      ids('attention_mask', 'total_sequence_length'),
      ...(options.positions ? [ids('position_ids', 'sequence_length')] : []),
      ...cache('past_key_values', 'past_sequence_length'),
    ],
    [
      { name: 'logits', type: stored, shape: ['batch_size', 'sequence_length', w.vocab] },
      ...cache('present', 'total_sequence_length'),
    ],
    options.opset,
  );
}
