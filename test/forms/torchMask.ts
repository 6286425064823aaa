// The causal mask [batch, 1, query, key] from `attention_mask`, as the PyTorch exporter writes what transformers computes.

import { floatsTensor, intsTensor } from '../onnxTensors';
import { TYPES, type GraphWriter } from '../onnxWriter';
import type { Tools } from './llama';
import { dimension, expand, OPEN_END, shapeOf, slice } from './torchShapes';

/** The mask, its padded places filled as a whole. */
export function writtenMask(tools: Tools): string {
  const g = tools.g.under('/model');
  const [causal, keys] = causalMask(tools, g);
  return filled(tools, g, causal, keys);
}

/** The mask, its padded places filled in a view of it: the indices of the whole view are computed and the view is scattered back. */
export function scatteredMask(tools: Tools): string {
  const g = tools.g.under('/model');
  const [causal, keys] = causalMask(tools, g);
  const view = slice(g, causal, 0, g.node('Unsqueeze', [keys, g.ints([0])]), 3);
  const values = g.node('Expand', [filled(tools, g, causal, keys), g.node('Shape', [view])]);
  const ranges = [0, 1, 2, 3].map((axis) => {
    const end = g.node('Cast', [dimension(g, causal, axis)], { to: TYPES.int64 });
    return g.node('Range', [g.ints([0], []), end, g.ints([1], [])]);
  });
  ranges[3] = slice(g, ranges[3] as string, 0, g.node('Unsqueeze', [keys, g.ints([0])]), 0);
  const columns = ranges.map((range, axis) =>
    axis === 3 ? range : g.node('Reshape', [range, g.ints([-1, ...[1, 1, 1].slice(axis)])], { allowzero: 0 }),
  );
  const shape = g.node('Shape', [columns.reduce((sum, column) => g.node('Add', [sum, column]))]);
  const indices = columns.map((column) => {
    const ones = g.node('ConstantOfShape', [g.node('Shape', [shape])], { value: { tensor: intsTensor([1]) } });
    const open = g.node('Equal', [shape, g.node('Mul', [ones, g.ints([-1], [])])]);
    return g.node('Unsqueeze', [g.node('Expand', [column, g.node('Where', [open, ones, shape])]), g.ints([-1])]);
  });
  const all = g.node('Concat', indices, { axis: -1 });
  const rest = slice(g, g.node('Shape', [causal]), 4, OPEN_END, 0); // none: each index names one number
  return g.node('ScatterND', [
    causal,
    all,
    g.node('Reshape', [values, g.node('Concat', [shape, rest], { axis: 0 })], { allowzero: 0 }),
  ]);
}

/** The lowest float above the diagonal, zero elsewhere [batch, 1, query, key], and the number of keys int64 []. */
function causalMask({ lowest, options, floatType }: Tools, g: GraphWriter): [string, string] {
  const query = dimension(g, 'input_ids', 1);
  const past = dimension(g, 'past_key_values.0.key', 2);
  const whole = (x: string): string => g.node('Cast', [x], { to: TYPES.int64 });
  const one = g.ints([1], []);
  const positions = g.node('Range', [whole(past), whole(g.node('Add', [past, query])), one]);
  const keys = dimension(g, 'attention_mask', 1);
  const value = { tensor: floatsTensor(Float32Array.of(lowest), [1], options.half) };
  const full = g.node('ConstantOfShape', [shapeOf(g, [query, keys])], { value });
  const above = g.node('Trilu', [full, one], { upper: 1 });
  const range = g.node('Range', [g.ints([0], []), whole(keys), one]);
  const later = g.node('Greater', [range, g.node('Reshape', [positions, g.ints([-1, 1])], { allowzero: 0 })]);
  const causal = g.node('Mul', [above, g.node('Cast', [later], { to: floatType })]);
  const four = g.node('Unsqueeze', [g.node('Unsqueeze', [causal, g.ints([0])]), g.ints([1])]);
  return [expand(g, four, [dimension(g, 'input_ids', 0), 1, -1, -1]), keys];
}

/** The mask with the lowest float also where `attention_mask` is 0: there the sum of both is 0. */
function filled({ lowest, scalar, floatType }: Tools, g: GraphWriter, causal: string, keys: string): string {
  const part = (): string => slice(g, causal, 0, g.node('Unsqueeze', [keys, g.ints([0])]), 3);
  const padding = g.node('Unsqueeze', [g.node('Unsqueeze', ['attention_mask', g.ints([1])]), g.ints([2])]);
  const sum = g.node('Add', [part(), g.node('Cast', [padding], { to: floatType })]);
  const masked = g.node('Cast', [g.node('Equal', [sum, scalar(g, 0)])], { to: TYPES.bool });
  return g.node('Where', [masked, scalar(g, lowest), part()]);
}
