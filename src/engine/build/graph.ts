// The graph of a decoder of the Llama kind: RMSNorm, attention with rotary positions over grouped heads, SwiGLU. Products are MatMulNBits;
// queries, keys and values come from one of them, gate and up from another, which is faster than several; attention is com.microsoft.GroupQueryAttention, which rewriting knows.

import { Carrier, product, type StoredMatrix } from './products';
import { EMBEDDING, FINAL_NORM, inLayer, outputName } from './matrices';
import type { OnnxGraph, Value } from './onnxFile';
import { BLOCK, type Bits } from './quantise';
import { frequencies } from './rotation';
import type { Weights } from './safetensors';
import type { Shape } from './shape';

const RUNTIME = 'com.microsoft';
/** Embedding and output are read by the row, or matter most. */
const OUTER_BITS = 8;
/** GroupQueryAttention rotates heads of a multiple of so many numbers. */
const ROTATES = 16;

export interface GraphOptions {
  /** Of the matrices in the layers. */
  bits: Bits;
  /** Of MatMulNBits: 4 rounds activations to 8 bits, 0 does not. */
  accuracy: number;
  /** Told how many numbers of the weights have been written since it was last called; what it throws ends the work. */
  onPiece: (numbers: number) => void;
}

/** Writes the graph and its arrays. @returns the bytes of the ONNX model, less what is in the graph's file of large arrays */
export async function writeGraph(
  g: OnnxGraph,
  shape: Shape,
  weights: Weights,
  { bits, accuracy, onPiece }: GraphOptions,
): Promise<Uint8Array> {
  const carrier = new Carrier(g, weights, onPiece);
  const layers = new LayerWriter(g, shape, carrier, bits, accuracy);
  const embedding = await carrier.matrix([EMBEDDING], OUTER_BITS);
  let x = embedded(g, embedding);
  layers.writeShared();
  for (let layer = 0; layer < shape.layers; layer++) x = await layers.write(layer, x);
  const normed = await layers.norm(x, FINAL_NORM, 'normed');
  const output = shape.tied ? embedding : await carrier.matrix([outputName(shape)], OUTER_BITS);
  product(g, output, normed, 'logits', accuracy);
  return g.finish(inputsOf(shape), outputsOf(shape), shape.family);
}

/** Whether positions come in by an input of the graph, because attention cannot rotate. */
function rotatesOutside({ headDim }: Shape): boolean {
  return headDim % ROTATES !== 0;
}

function inputsOf(shape: Shape): Value[] {
  const sequence = ['batch_size', 'sequence_length'];
  return [
    { name: 'input_ids', type: 'int64', shape: sequence },
    { name: 'attention_mask', type: 'int64', shape: ['batch_size', 'total_sequence_length'] },
    ...(rotatesOutside(shape) ? [{ name: 'position_ids', type: 'int64', shape: sequence } as const] : []),
    ...caches(shape, 'past_key_values', 'past_sequence_length'),
  ];
}

function outputsOf(shape: Shape): Value[] {
  return [
    { name: 'logits', type: 'float32', shape: ['batch_size', 'sequence_length', shape.vocab] },
    ...caches(shape, 'present', 'total_sequence_length'),
  ];
}

function caches({ layers, kvHeads, headDim }: Shape, prefix: string, axis: string): Value[] {
  return Array.from({ length: 2 * layers }, (_, i) => ({
    name: `${prefix}.${i >> 1}.${i & 1 ? 'value' : 'key'}`,
    type: 'float32',
    shape: ['batch_size', kvHeads, axis, headDim],
  }));
}

/** Rows of the embedding, dequantised as they are read; the same bytes are the output matrix, where that is tied. */
function embedded(g: OnnxGraph, { rows, columns, codes, scales, bits }: StoredMatrix): string {
  const blocks = Math.ceil(columns / BLOCK);
  const inputs = [
    g.external('embedding.codes', 'uint8', codes, [rows, blocks * BLOCK]),
    'input_ids',
    g.external('embedding.scales', 'float32', scales, [rows, blocks]),
  ];
  const attributes = {
    bits: { int: bits },
    block_size: { int: BLOCK },
    gather_axis: { int: 0 },
    quantize_axis: { int: 1 },
  };
  const wide = blocks * BLOCK !== columns;
  const x = g.node('GatherBlockQuantized', inputs, wide ? 'embedded.wide' : 'embedded', attributes, RUNTIME);
  if (!wide) return x;
  // A row's last block is filled up with zeros.
  const int64 = (name: string, value: number): string =>
    g.constant(name, 'int64', BigInt64Array.of(BigInt(value)), [1]);
  return g.node(
    'Slice',
    [x, int64('embedded.from', 0), int64('embedded.to', columns), int64('embedded.axis', 2)],
    'embedded',
  );
}

/** Writes the layers. */
class LayerWriter {
  readonly #g: OnnxGraph;
  readonly #shape: Shape;
  readonly #carrier: Carrier;
  readonly #bits: Bits;
  readonly #accuracy: number;

  constructor(g: OnnxGraph, shape: Shape, carrier: Carrier, bits: Bits, accuracy: number) {
    [this.#g, this.#shape, this.#carrier, this.#bits, this.#accuracy] = [g, shape, carrier, bits, accuracy];
  }

  /** What all layers read: the last position [batch] and the length of keys, both int32, the tables [position, headDim / 2], shapes. */
  writeShared(): void {
    const g = this.#g;
    const { heads, kvHeads, headDim, inner, context, rotation } = this.#shape;
    g.constant('one', 'int64', BigInt64Array.of(1n), []);
    g.constant('axis_1', 'int64', BigInt64Array.of(1n), [1]);
    const int32 = { to: { int: 6 } };
    const length = g.node('ReduceSum', ['attention_mask', 'axis_1'], 'mask_length', { keepdims: { int: 0 } });
    g.node('Cast', [g.node('Sub', [length, 'one'], 'last')], 'last_position', int32);
    const mask = g.node('Shape', ['attention_mask'], 'mask_shape');
    g.node('Cast', [g.node('Gather', [mask, 'one'], 'mask_total', { axis: { int: 0 } })], 'total', int32);

    const turns = frequencies(rotation, headDim);
    for (const f of ['cos', 'sin'] as const) {
      const table = new Float32Array(context * turns.length);
      for (let i = 0; i < table.length; i++)
        table[i] = Math[f](Math.floor(i / turns.length) * (turns[i % turns.length] as number));
      g.constant(f, 'float32', table, [context, turns.length]);
    }
    const dims = (name: string, values: readonly number[]): string =>
      g.constant(name, 'int64', BigInt64Array.from(values, BigInt), [values.length]);
    dims('split_sizes', [heads * headDim, kvHeads * headDim, kvHeads * headDim]);
    dims('inner_sizes', [inner, inner]);
    dims('query_heads', [0, 0, heads, headDim]);
    dims('key_heads', [0, 0, kvHeads, headDim]);
    dims('query_flat', [0, 0, heads * headDim]);
    dims('key_flat', [0, 0, kvHeads * headDim]);
  }

  /** Writes one layer. @param x [batch, query, hidden] @returns the same after the layer */
  async write(layer: number, x: string): Promise<string> {
    const of = (name: string): string => inLayer(layer, name);
    const { biases } = this.#shape;
    const linear = (from: string, names: readonly string[], out: string, biased: boolean): Promise<string> =>
      this.#linear(from, names.map(of), of(out), biased);
    const attended = await this.#attention(layer, await this.norm(x, of('input_layernorm.weight'), of('normed')));
    const mixed = await linear(attended, ['self_attn.o_proj'], 'mixed', biases.output);
    const middle = this.#g.node('Add', [x, mixed], of('after_attention'));
    const normed = await this.norm(middle, of('post_attention_layernorm.weight'), of('normed_again'));
    const [gate, up] = [of('gate'), of('up')];
    const joined = await linear(normed, ['mlp.gate_proj', 'mlp.up_proj'], 'gate_up', biases.inner);
    this.#g.node('Split', [joined, 'inner_sizes'], [gate, up], { axis: { int: 2 } });
    const silu = this.#g.node('Mul', [gate, this.#g.node('Sigmoid', [gate], of('sigmoid'))], of('silu'));
    const gated = this.#g.node('Mul', [silu, up], of('gated'));
    const down = await linear(gated, ['mlp.down_proj'], 'down', biases.inner);
    return this.#g.node('Add', [middle, down], of('after_network'));
  }

  /** RMSNorm over the last axis. @param weight its name @param axis the last */
  async norm(x: string, weight: string, out: string, axis = 2): Promise<string> {
    const values = await this.#carrier.vector(weight);
    this.#g.constant(weight, 'float32', values, [values.length]);
    const attributes = { epsilon: { float: this.#shape.rmsEps }, axis: { int: axis } };
    return this.#g.node('SimplifiedLayerNormalization', [x, weight], out, attributes);
  }

  /** x times matrices that stand one under the other, and their biases. @param modules without .weight and .bias */
  async #linear(x: string, modules: readonly string[], out: string, biased: boolean): Promise<string> {
    const matrix = await this.#carrier.matrix(
      modules.map((module) => `${module}.weight`),
      this.#bits,
    );
    const result = product(this.#g, matrix, x, biased ? `${out}.unbiased` : out, this.#accuracy);
    if (!biased) return result;
    const values = new Float32Array(matrix.rows);
    let at = 0;
    for (const module of modules) {
      const part = await this.#carrier.vector(`${module}.bias`);
      values.set(part, at);
      at += part.length;
    }
    return this.#g.node('Add', [result, this.#g.constant(`${out}.bias`, 'float32', values, [matrix.rows])], out);
  }

  async #attention(layer: number, normed: string): Promise<string> {
    const g = this.#g;
    const of = (name: string): string => inLayer(layer, name);
    const { heads, kvHeads, headNorms, biases, windows } = this.#shape;
    const modules = ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'].map(of);
    const packed = await this.#linear(normed, modules, of('qkv'), biases.qkv);
    let inputs = [packed, '', ''];
    const outside = rotatesOutside(this.#shape);
    if (headNorms || outside) {
      g.node('Split', [packed, 'split_sizes'], ['query', 'key', 'value'].map(of), { axis: { int: 2 } });
      inputs = ['query', 'key', 'value'].map(of);
    }
    for (const [i, part] of (['query', 'key'] as const).entries()) {
      if (headNorms) {
        const apart = g.node('Reshape', [inputs[i] as string, `${part}_heads`], of(`${part}.heads`));
        const each = await this.norm(
          apart,
          of(`self_attn.${part.slice(0, 1)}_norm.weight`),
          of(`${part}.heads.normed`),
          3,
        );
        inputs[i] = g.node('Reshape', [each, `${part}_flat`], of(`${part}.normed`));
      }
      if (outside) {
        const count = { num_heads: { int: part === 'query' ? heads : kvHeads } };
        const rotated = [inputs[i] as string, 'position_ids', 'cos', 'sin'];
        inputs[i] = g.node('RotaryEmbedding', rotated, of(`${part}.rotated`), count, RUNTIME);
      }
    }
    inputs.push(`past_key_values.${layer}.key`, `past_key_values.${layer}.value`, 'last_position', 'total');
    if (!outside) inputs.push('cos', 'sin');
    const window = windows[layer] ?? 0;
    const attributes = {
      num_heads: { int: heads },
      kv_num_heads: { int: kvHeads },
      do_rotary: { int: outside ? 0 : 1 },
      ...(window > 0 ? { local_window_size: { int: window } } : {}),
    };
    const outputs = [of('attended'), `present.${layer}.key`, `present.${layer}.value`];
    return g.node('GroupQueryAttention', inputs, outputs, attributes, RUNTIME);
  }
}
