// Attention in plain operators, and the caches that go with it.

import type { ValueInfo } from '../../onnxWriter';
import { expand, dimension, shapeOf } from '../torchShapes';
import type { Family, FormName, Tools } from './family';
import { angles, lengths, linearBiases, masks, type Lengths, type Masks } from './positions';
import { byHead, turned } from './projections';

/** A layer's attention: its input and module → [batch, new, head · headDim]. */
export type Attend = (x: string, layer: number, module: string) => string;

type Sizes = ValueInfo['shape'];
interface CacheShape {
  part: 'key' | 'value' | 'key_value';
  /** The sizes, the positions' by this name. */
  shape: (positions: string) => Sizes;
  axis: number;
}

/** How a family's cache lies in a form, each layer's arrays. */
export function cacheShapes(f: Family, form: FormName): CacheShape[] {
  const { heads, kvHeads, headDim } = f;
  if (form !== 'optimum, older cache')
    return (['key', 'value'] as const).map((part) => ({
      part,
      axis: 2,
      shape: (positions) => ['batch_size', kvHeads, positions, headDim],
    }));
  if (f.modelType === 'gpt_bigcode')
    return kvHeads === 1
      ? [{ part: 'key_value', axis: 1, shape: (positions) => ['batch_size', positions, 2 * headDim] }]
      : [{ part: 'key_value', axis: 2, shape: (positions) => ['batch_size', heads, positions, 2 * headDim] }];
  const flat = 'batch_size x num_heads';
  return [
    { part: 'key', axis: 2, shape: (positions) => [flat, headDim, positions] },
    { part: 'value', axis: 1, shape: (positions) => [flat, positions, headDim] },
  ];
}

/** The first cache input and the axis of its positions. */
export function firstCache(f: Family, form: FormName): [string, number] {
  const { part, axis } = cacheShapes(f, form)[0] as CacheShape;
  return [`past_key_values.0.${part}`, axis];
}

/** Attention as the PyTorch exporter writes it. */
export function plainAttention(tools: Tools): { attend: Attend; at: Lengths } {
  const { g, f, form } = tools;
  const at = lengths(tools, firstCache(f, form));
  const tables = f.rotary === undefined ? undefined : angles(tools, at.positions);
  const biases = f.alibi === undefined ? undefined : linearBiases(tools, at);
  const hide = masks(tools, at);
  const attend: Attend = (x, layer, module) => {
    const s = g.under(`/${module.replaceAll('.', '/')}`);
    const { q, k, v } = byHead(tools, x, module);
    const turn = (y: string): string =>
      tables === undefined || f.rotary?.notIn?.includes(layer) === true ? y : turned(tools, s, y, tables);
    const [query, key] = [turn(q), turn(k)];
    const kept =
      form !== 'optimum, older cache'
        ? usualCache(tools, layer, key, v)
        : f.modelType === 'gpt_bigcode'
          ? joinedCache(tools, layer, key, v)
          : flatCache(tools, layer, key, v);
    const product = s.node('MatMul', [query, kept.keysTurned]);
    const mixed = s.node('MatMul', [weights(tools, product, layer, biases, hide), kept.values]);
    const last = s.node('Transpose', [mixed], { perm: [0, 2, 1, 3] });
    return s.node('Reshape', [last, s.ints([0, 0, f.heads * f.headDim])]);
  };
  return { attend, at };
}

/** softmax(scale · scores + biases, hidden where the mask says) [batch, head, query, key] */
function weights({ g, f }: Tools, product: string, layer: number, biases: string | undefined, hide: Masks): string {
  const s = g.under(`/model/layers.${layer}/softmax`);
  const scale = f.scale ?? f.headDim ** -0.5;
  // Divided where the family's own code does so, multiplied elsewhere.
  const scaled =
    scale === 1
      ? product
      : f.mask === 'table'
        ? s.node('Div', [product, s.scalar(1 / scale)])
        : s.node('Mul', [product, s.scalar(scale)]);
  const cap = f.softcap;
  const capped =
    cap === undefined
      ? scaled
      : s.node('Mul', [s.node('Tanh', [s.node('Div', [scaled, s.scalar(cap)])]), s.scalar(cap)]);
  const biased = biases === undefined ? capped : s.node('Add', [capped, biases]);
  return s.node('Softmax', [hide(biased, f.windows?.[layer])], { axis: -1 });
}

interface Kept {
  /** [batch, head or 1, headDim, key] */
  keysTurned: string;
  /** [batch, head or 1, key, headDim] */
  values: string;
}

/** The past and what is new: the past where there is none to read is left out. */
function join({ g, cached }: Tools, layer: number, part: string, fresh: string, axis: number): string {
  const s = g.under(`/model/layers.${layer}/cache`);
  const present = `present.${layer}.${part}`;
  return cached
    ? s.node('Concat', [`past_key_values.${layer}.${part}`, fresh], { axis }, present)
    : s.node('Identity', [fresh], {}, present);
}

function usualCache(tools: Tools, layer: number, key: string, value: string): Kept {
  const s = tools.g.under(`/model/layers.${layer}/cache`);
  const keys = repeated(tools, join(tools, layer, 'key', key, 2), layer);
  const values = repeated(tools, join(tools, layer, 'value', value, 2), layer);
  return { keysTurned: s.node('Transpose', [keys], { perm: [0, 1, 3, 2] }), values };
}

/** BLOOM: [batch · head, headDim, position] and [batch · head, position, headDim]. */
function flatCache(tools: Tools, layer: number, key: string, value: string): Kept {
  const { f } = tools;
  const s = tools.g.under(`/model/layers.${layer}/cache`);
  const three = (x: string): string => {
    const length = s.node('Unsqueeze', [dimension(s, x, 2), s.ints([0])]);
    return s.node('Reshape', [x, s.node('Concat', [s.ints([-1]), length, s.ints([f.headDim])], { axis: 0 })]);
  };
  const four = (x: string): string => s.node('Unsqueeze', [x, s.ints([0])]);
  const turnedKey = s.node('Transpose', [three(key)], { perm: [0, 2, 1] });
  const keys = join(tools, layer, 'key', turnedKey, 2);
  const values = join(tools, layer, 'value', three(value), 1);
  return { keysTurned: four(keys), values: four(values) };
}

/** GPT-BigCode: keys and values side by side. */
function joinedCache(tools: Tools, layer: number, key: string, value: string): Kept {
  const { f } = tools;
  const s = tools.g.under(`/model/layers.${layer}/cache`);
  const both = s.node('Concat', [key, value], { axis: -1 });
  const single = f.kvHeads === 1;
  const fresh = single ? s.node('Squeeze', [both, s.ints([1])]) : both;
  const all = join(tools, layer, 'key_value', fresh, -2);
  const heads = single ? s.node('Unsqueeze', [all, s.ints([1])]) : all;
  const [keys, values] = s.nodes('Split', [heads, s.ints([f.headDim, f.headDim])], 2, { axis: 3 }) as [string, string];
  return { keysTurned: s.node('Transpose', [keys], { perm: [0, 1, 3, 2] }), values };
}

/** Heads that several queries share, as often as they have queries. */
function repeated({ g, f }: Tools, x: string, layer: number): string {
  const times = f.heads / f.kvHeads;
  // One head for all is not repeated: a product does so by itself.
  if (times === 1 || f.kvHeads === 1) return x;
  const s = g.under(`/model/layers.${layer}/repeat_kv`);
  const [batch, length] = [dimension(s, x, 0), dimension(s, x, 2)];
  const five = expand(s, s.node('Unsqueeze', [x, s.ints([2])]), [batch, f.kvHeads, times, length, f.headDim]);
  return s.node('Reshape', [five, shapeOf(s, [batch, f.heads, length, f.headDim])]);
}
