// A slow forward pass over the weights as they are, layer by layer from the files: what a built model is held against. Without a cache, for a
// handful of tokens.

import { EMBEDDING, FINAL_NORM, inLayer, outputName } from './matrices';
import { frequencies } from './rotation';
import type { Weights } from './safetensors';
import type { Shape } from './shape';

/** Numbers that are read at once. */
const PIECE = 1 << 21;
/** Tokens that a row of a matrix is multiplied by at once. */
const AT_ONCE = 4;

/** Vectors of all tokens of all texts: [token, width], and how wide. */
interface Rows {
  values: Float32Array;
  width: number;
}

/**
 * The logits after each token of each text.
 * @param texts ids; each text stands alone
 * @param onPiece told how many products of a weight and a token have been made since it was last called; what it throws ends the pass
 * @returns [token, vocab] float32, the texts one after another
 */
export async function referencePass(
  shape: Shape,
  weights: Weights,
  texts: readonly (readonly number[])[],
  onPiece: (weights: number) => void = () => undefined,
): Promise<Float32Array> {
  const { hidden, layers, biases, rmsEps } = shape;
  const ids = texts.flat();
  const x = new Float32Array(ids.length * hidden); // [token, hidden]
  for (const [i, id] of ids.entries()) x.set(await weights.read(EMBEDDING, id * hidden, hidden), i * hidden);

  const times = async (rows: Rows, name: string): Promise<Rows> => product(rows, weights, name, onPiece);
  const linear = async (rows: Rows, module: string, biased: boolean): Promise<Rows> => {
    const made = await times(rows, `${module}.weight`);
    if (!biased) return made;
    const bias = await weights.read(`${module}.bias`, 0, made.width);
    made.values.forEach((value, i) => (made.values[i] = value + (bias[i % made.width] as number)));
    return made;
  };
  const normed = async (rows: Rows, name: string): Promise<Rows> => {
    const length = (weights.shape(name) as [number])[0];
    const scale = await weights.read(name, 0, length);
    return { values: rmsNorm(rows.values, scale, rmsEps), width: rows.width };
  };
  const grow = ({ values }: Rows): void => values.forEach((value, i) => (x[i] = (x[i] as number) + value));

  for (let layer = 0; layer < layers; layer++) {
    const of = (name: string): string => inLayer(layer, name);
    const input = await normed({ values: x, width: hidden }, of('input_layernorm.weight'));
    let [query, key] = [
      await linear(input, of('self_attn.q_proj'), biases.qkv),
      await linear(input, of('self_attn.k_proj'), biases.qkv),
    ];
    if (shape.headNorms)
      [query, key] = [
        await normed(query, of('self_attn.q_norm.weight')),
        await normed(key, of('self_attn.k_norm.weight')),
      ];
    const value = await linear(input, of('self_attn.v_proj'), biases.qkv);
    const mixed = attend(shape, layer, texts, query, key, value);
    grow(await linear(mixed, of('self_attn.o_proj'), biases.output));
    const middle = await normed({ values: x, width: hidden }, of('post_attention_layernorm.weight'));
    const gate = await linear(middle, of('mlp.gate_proj'), biases.inner);
    const up = await linear(middle, of('mlp.up_proj'), biases.inner);
    up.values.forEach((value, i) => {
      const g = gate.values[i] as number;
      up.values[i] = (value * g) / (1 + Math.exp(-g)); // SwiGLU
    });
    grow(await linear(up, of('mlp.down_proj'), biases.inner));
  }
  return (await times(await normed({ values: x, width: hidden }, FINAL_NORM), outputName(shape))).values;
}

/** Rows times a matrix [out, width] transposed. */
async function product(
  { values, width }: Rows,
  weights: Weights,
  name: string,
  onPiece: (weights: number) => void,
): Promise<Rows> {
  const [out] = weights.shape(name) as [number, number];
  const tokens = values.length / width;
  const made = new Float32Array(tokens * out);
  const step = Math.max(1, Math.floor(PIECE / width));
  for (let first = 0; first < out; first += step) {
    const count = Math.min(step, out - first);
    const matrix = await weights.read(name, first * width, count * width);
    for (let row = 0; row < count; row++)
      for (let token = 0; token < tokens; token += AT_ONCE) {
        // A token past the last is the last once more.
        const at = (i: number): number => Math.min(token + i, tokens - 1);
        const [a, b, c, d] = [at(0) * width, at(1) * width, at(2) * width, at(3) * width];
        let [sumA, sumB, sumC, sumD] = [0, 0, 0, 0];
        for (let i = 0, w = row * width; i < width; i++, w++) {
          const weight = matrix[w] as number;
          sumA += weight * (values[a + i] as number);
          sumB += weight * (values[b + i] as number);
          sumC += weight * (values[c + i] as number);
          sumD += weight * (values[d + i] as number);
        }
        const to = first + row;
        made[at(0) * out + to] = sumA;
        made[at(1) * out + to] = sumB;
        made[at(2) * out + to] = sumC;
        made[at(3) * out + to] = sumD;
      }
    onPiece(count * width * tokens);
  }
  return { values: made, width: out };
}

/** What the heads give, side by side: [token, head · headDim]. */
function attend(
  shape: Shape,
  layer: number,
  texts: readonly (readonly number[])[],
  query: Rows,
  key: Rows,
  value: Rows,
): Rows {
  const { heads, kvHeads, headDim, windows } = shape;
  const window = windows[layer] ?? 0;
  const turns = frequencies(shape.rotation, headDim);
  const mixed = new Float32Array(query.values.length);
  let start = 0; // of the text, in tokens
  for (const { length } of texts) {
    for (let i = 0; i < length; i++)
      for (const { values, width } of [query, key])
        rotate(values.subarray((start + i) * width, (start + i + 1) * width), i, turns);
    for (let head = 0; head < heads; head++) {
      const own = head * headDim;
      const shared = Math.floor(head / (heads / kvHeads)) * headDim;
      for (let i = 0; i < length; i++) {
        const q = (start + i) * query.width + own;
        const first = window > 0 ? Math.max(0, i - window + 1) : 0;
        const scores: number[] = [];
        for (let j = first; j <= i; j++) {
          const k = (start + j) * key.width + shared;
          let dot = 0;
          for (let d = 0; d < headDim; d++) dot += (query.values[q + d] as number) * (key.values[k + d] as number);
          scores.push(dot / Math.sqrt(headDim));
        }
        const most = Math.max(...scores);
        const shares = scores.map((score) => Math.exp(score - most));
        const total = shares.reduce((sum, share) => sum + share, 0);
        for (const [n, share] of shares.entries()) {
          const v = (start + first + n) * value.width + shared;
          for (let d = 0; d < headDim; d++)
            mixed[q + d] = (mixed[q + d] as number) + (share / total) * (value.values[v + d] as number);
        }
      }
    }
    start += length;
  }
  return { values: mixed, width: query.width };
}

/** Turns the pairs (d, d + headDim / 2) of each head of one token. */
function rotate(row: Float32Array, position: number, turns: Float64Array): void {
  const half = turns.length;
  for (let at = 0; at < row.length; at += 2 * half)
    for (const [d, turn] of turns.entries()) {
      const [cos, sin] = [Math.cos(position * turn), Math.sin(position * turn)];
      const [a, b] = [row[at + d] as number, row[at + half + d] as number];
      row[at + d] = a * cos - b * sin;
      row[at + half + d] = b * cos + a * sin;
    }
}

/** x / √(mean x² + ε) · weight, over parts of as many numbers as the weight has. */
function rmsNorm(x: Float32Array, weight: Float32Array, eps: number): Float32Array {
  const out = new Float32Array(x.length);
  const width = weight.length;
  for (let at = 0; at < x.length; at += width) {
    let squares = 0;
    for (let i = 0; i < width; i++) squares += (x[at + i] as number) ** 2;
    const by = 1 / Math.sqrt(squares / width + eps);
    for (let i = 0; i < width; i++) out[at + i] = (x[at + i] as number) * by * (weight[i] as number);
  }
  return out;
}
