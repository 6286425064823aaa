// Attention taken apart, as the PyTorch exporter writes the Llama of transformers: positions and mask come in as inputs.

import { TYPES, type GraphWriter } from '../onnxWriter';
import type { AttentionForm, Tools } from './llama';
import { dimension, expand, OPEN_END, shapeOf, slice } from './torchShapes';
import { scatteredMask, writtenMask } from './torchMask';

export interface OptimumOptions {
  /** How scores are scaled: divided by √headDim, multiplied by its inverse, or queries and keys each multiplied by the root of that (scaled_dot_product_attention). */
  scale: 'div' | 'mul' | 'roots';
  /** How the mask is made: by writing into a part of it (ScatterND), or as a whole (Where). */
  mask: 'scattered' | 'whole';
}

/** The form. */
export function optimumAttention(options: OptimumOptions): AttentionForm {
  return (tools) => {
    const { g, w, linear, floatType } = tools;
    const { heads, kvHeads, headDim } = w;
    const mask = options.mask === 'scattered' ? scatteredMask(tools) : writtenMask(tools);
    const [cos, sin] = rotaryAngles(tools);
    return (layer, x) => {
      const module = `model.layers.${layer}.self_attn`;
      const s = g.under(`/model/layers.${layer}/self_attn`);
      const [batch, query] = [dimension(s, x, 0), dimension(s, x, 1)];
      const split = (part: string, n: number): string => {
        const flat = linear(x, `${module}.${part}_proj`);
        const heads = s.node('Reshape', [flat, shapeOf(s, [batch, query, n, headDim])], { allowzero: 0 });
        return s.node('Transpose', [heads], { perm: [0, 2, 1, 3] });
      };
      const [qs, ks, v] = [split('q', heads), split('k', kvHeads), split('v', kvHeads)];
      const [c, si] = [cos, sin].map((table) => s.node('Unsqueeze', [table, s.ints([1])])) as [string, string];
      const turn = (x: string): string => s.node('Add', [s.node('Mul', [x, c]), s.node('Mul', [rotateHalf(x, s), si])]);
      const [q, k] = [turn(qs), turn(ks)];
      const [allK, allV] = [['key', k] as const, ['value', v] as const].map(([part, added]) =>
        s.node('Concat', [`past_key_values.${layer}.${part}`, added], { axis: -2 }, `present.${layer}.${part}`),
      ) as [string, string];
      const [repeatedK, repeatedV] = [repeatHeads(tools, allK, s), repeatHeads(tools, allV, s)];
      const keys = s.node('Unsqueeze', [dimension(s, repeatedK, 2), s.ints([0])]);
      const ofLayer = slice(s, mask, 0, keys, 3);
      const scores = scaledScores(tools, q, repeatedK, s, options.scale);
      let attention = s.node('Softmax', [s.node('Add', [scores, ofLayer])], { axis: -1 }); // [batch, head, query, key]
      if (options.scale !== 'roots')
        for (let i = 0; i < 2; i++) attention = s.node('Cast', [attention], { to: floatType });
      const mixed = s.node('Transpose', [s.node('MatMul', [attention, repeatedV])], { perm: [0, 2, 1, 3] });
      return s.node('Reshape', [mixed, shapeOf(s, [batch, query, -1])], { allowzero: 0 });
    };
  };
}

/** cos and sin [batch, query, headDim] of position · θ^(−2d/headDim), both halves alike. */
function rotaryAngles({ g, w, float, floatType }: Tools): [string, string] {
  const half = w.headDim / 2;
  const s = g.under('/model/rotary_emb');
  const frequencies = Float32Array.from({ length: half }, (_, d) => w.ropeTheta ** ((-2 * d) / w.headDim));
  const stored = float('onnx::Expand_inv_freq', frequencies, [1, half, 1]);
  const expanded = expand(s, stored, [dimension(s, 'position_ids', 0), -1, 1]);
  const toFloat = (x: string): string => s.node('Cast', [x], { to: floatType });
  const positions = toFloat(s.node('Unsqueeze', ['position_ids', s.ints([1])]));
  const product = s.node('MatMul', [toFloat(expanded), toFloat(positions)]); // [batch, headDim / 2, query]
  const angles = s.node('Transpose', [product], { perm: [0, 2, 1] });
  const both = s.node('Concat', [angles, angles], { axis: -1 });
  return [toFloat(s.node('Cos', [both])), toFloat(s.node('Sin', [both]))];
}

/** The halves of the last axis a, b → −b, a. */
function rotateHalf(x: string, s: GraphWriter): string {
  let half = s.node('Div', [dimension(s, x, 3), s.ints([2], [])]);
  for (let i = 0; i < 2; i++) half = s.node('Cast', [half], { to: TYPES.int64 });
  const a = slice(s, x, 0, s.node('Unsqueeze', [half, s.ints([0])]), 3);
  const b = slice(s, x, s.node('Unsqueeze', [half, s.ints([0])]), OPEN_END, 3);
  return s.node('Concat', [s.node('Neg', [b]), a], { axis: -1 });
}

/** [batch, kvHead, key, headDim] → [batch, head, key, headDim] */
function repeatHeads({ w }: Tools, x: string, s: GraphWriter): string {
  const times = w.heads / w.kvHeads;
  if (times === 1) return x;
  const [batch, kvHead, key, width] = [0, 1, 2, 3].map((axis) => dimension(s, x, axis)) as [
    string,
    string,
    string,
    string,
  ];
  const five = expand(s, s.node('Unsqueeze', [x, s.ints([2])]), [batch, kvHead, times, key, width]);
  const head = s.node('Mul', [kvHead, s.ints([times], [])]);
  return s.node('Reshape', [five, shapeOf(s, [batch, head, key, width])], { allowzero: 0 });
}

/** q · kᵀ / √headDim [batch, head, query, key] */
function scaledScores(
  { w, scalar, floatType }: Tools,
  q: string,
  k: string,
  s: GraphWriter,
  scale: OptimumOptions['scale'],
): string {
  const transposed = s.node('Transpose', [k], { perm: [0, 1, 3, 2] });
  if (scale === 'div') return s.node('Div', [s.node('MatMul', [q, transposed]), scalar(s, Math.sqrt(w.headDim))]);
  if (scale === 'mul') return s.node('Mul', [s.node('MatMul', [q, transposed]), scalar(s, w.headDim ** -0.5)]);
  const width = slice(s, s.node('Shape', [q]), -1, OPEN_END, 0);
  const root = s.node('Sqrt', [s.node('Cast', [width], { to: floatType })]);
  const inverse = s.node('Div', [scalar(s, 1), s.node('Cast', [root], { to: floatType })]);
  const half = (): string => s.node('Sqrt', [s.node('Cast', [inverse], { to: floatType })]);
  return s.node('MatMul', [s.node('Mul', [q, half()]), s.node('Mul', [transposed, half()])]);
}
