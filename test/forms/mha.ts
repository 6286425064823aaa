// Attention as com.microsoft.MultiHeadAttention, as ONNX Runtime's model builder writes it. The operator has no key heads that several
// query heads share: where there are such, the graph keeps the cache itself and repeats them.

import { floatsTensor, intsTensor } from '../onnxTensors';
import { TYPES, type GraphWriter } from '../onnxWriter';
import { reshapedPositions, rotary } from './gqa';
import type { AttentionForm, Tools } from './llama';
import { rotaryTables } from './llamaParts';
import { OPEN_END } from './torchShapes';
import { writtenMask } from './torchMask';

/** The lowest float32: what a masked score becomes. */
const LOWEST = -3.4028234663852886e38;

export interface MhaOptions {
  /** 'builder': the model builder's, right for several new tokens only while the cache is empty; 'whole': that of PyTorch's exporter. */
  mask: 'builder' | 'whole';
}

/** The form. */
export function multiHeadAttention({ mask }: MhaOptions): AttentionForm {
  return (tools) => {
    const { g, w, linear } = tools;
    const [cos, sin] = rotaryTables(tools, w.headDim / 2);
    const tables: [string, string, string] = [cos, sin, reshapedPositions(tools)];
    const bias = mask === 'builder' ? builderMask(g, w.heads) : writtenMask(tools); // [batch, head or 1, query, key]
    return (layer, x) => {
      const [scope, module] = [`/model/layers.${layer}/attn`, `model.layers.${layer}.self_attn`];
      const q = rotary(tools, linear(x, `${module}.q_proj`), tables, layer, 'q');
      const k = rotary(tools, linear(x, `${module}.k_proj`), tables, layer, 'k');
      const v = linear(x, `${module}.v_proj`);
      const [past, present] = ['past_key_values', 'present'].map((prefix) =>
        ['key', 'value'].map((part) => `${prefix}.${layer}.${part}`),
      ) as [[string, string], [string, string]];
      const repeated = w.kvHeads < w.heads;
      const keysAndValues = repeated
        ? [repeatHeads(tools, k, past[0], present[0], 'k'), repeatHeads(tools, v, past[1], present[1], 'v')]
        : [k, v];
      const output = `${scope}/MultiHeadAttention/output_0`;
      g.under(scope).nodes(
        'MultiHeadAttention',
        [q, ...keysAndValues, '', '', bias, ...(repeated ? [] : past)],
        repeated ? [output] : [output, ...present],
        { num_heads: w.heads, scale: { float: w.headDim ** -0.5 } },
        'com.microsoft',
      );
      return output;
    };
  };
}

/** x [batch, query, kvHead · headDim] after the past → [batch, key, head · headDim] */
function repeatHeads({ g, w }: Tools, x: string, past: string, present: string, part: 'k' | 'v'): string {
  const s = g.under(`${past.replace(/past_key_values\.(\d+)\..*/, '/model/layers.$1/attn')}/${part}_proj/repeat_kv`);
  const heads = s.node('Reshape', [x, g.ints([0, 0, w.kvHeads, -1])]);
  s.node('Concat', [past, s.node('Transpose', [heads], { perm: [0, 2, 1, 3] })], { axis: 2 }, present);
  const shape = s.node('Shape', [present]);
  const [batch, kvHead, key, width] = [0, 1, 2, 3].map((axis) => dimension(s, shape, axis)) as [
    string,
    string,
    string,
    string,
  ];
  const times = w.heads / w.kvHeads;
  const five = s.node('Concat', [batch, kvHead, g.ints([times]), key, width], { axis: 0 });
  const head = s.node('Mul', [kvHead, g.ints([times], [])]);
  const four = s.node('Concat', [batch, head, key, width], { axis: 0 });
  const wanted = expandShape(s, s.node('Reshape', [five, g.ints([-1])]));
  const expanded = s.node('Expand', [s.node('Unsqueeze', [present, g.ints([2])]), wanted]);
  const all = s.node('Transpose', [s.node('Reshape', [expanded, four])], { perm: [0, 2, 1, 3] });
  return s.node('Reshape', [all, g.ints([0, 0, w.heads * w.headDim])]);
}

/** A dimension of a shape, int64 [1]. */
function dimension(s: GraphWriter, shape: string, axis: number): string {
  return s.node('Unsqueeze', [s.node('Gather', [shape, s.ints([axis], [])], { axis: 0 }), s.ints([0])]);
}

/** The shape for Expand: 1 where `shape` has −1. */
function expandShape(s: GraphWriter, shape: string): string {
  const ones = s.node('ConstantOfShape', [s.node('Shape', [shape])], { value: { tensor: intsTensor([1]) } });
  const open = s.node('Equal', [shape, s.node('Mul', [ones, s.ints([-1], [])])]);
  return s.node('Where', [open, ones, shape]);
}

/** The model builder's mask [batch, head, query, key]: one part from the shapes alone, one from `attention_mask`. */
export function builderMask(g: GraphWriter, heads: number): string {
  const scope = '/model/attn_mask_reformat';
  const s = g.under(`${scope}/input_ids_subgraph`);
  const past = g
    .under(`${scope}/past_key_subgraph`)
    .node('Gather', [s.node('Shape', ['past_key_values.0.key']), g.ints([2], [])], { axis: 0 });
  const query = s.node('Gather', [s.node('Shape', ['input_ids']), g.ints([1], [])], { axis: 0 });
  const unsqueeze = (x: string, axis = 0): string => s.node('Unsqueeze', [x, g.ints([axis])]);
  const total = unsqueeze(s.node('Add', [query, past]));

  const value = { tensor: floatsTensor(Float32Array.of(LOWEST), [1]) };
  const square = s.node('Concat', [unsqueeze(query), unsqueeze(query)], { axis: 0 });
  const full = s.node('ConstantOfShape', [square], { value });
  const width = (): string => {
    const last = s.node('Slice', [s.node('Shape', [full]), g.ints([-1]), g.ints([OPEN_END]), g.ints([0])]);
    return s.node('Squeeze', [last, g.ints([0])]);
  };
  const column = s.node('Concat', [unsqueeze(width()), g.ints([1])], { axis: 0 });
  const range = s.node('Range', [g.ints([0], []), width(), g.ints([1], [])]);
  const upTo = s.node('Reshape', [s.node('Add', [range, g.ints([1], [])]), column]);
  const causal = s.node('Where', [s.node('Less', [range, upTo]), g.scalar(0), full]); // [query, query]
  const causal4 = expandTo(
    g,
    `${scope}/input_ids_subgraph`,
    'input_ids',
    (b, n) => [b, n, total],
    unsqueeze(unsqueeze(causal), 1),
  );

  const m = g.under(`${scope}/attn_mask_subgraph`);
  const mask4 = m.node('Unsqueeze', [m.node('Unsqueeze', ['attention_mask', g.ints([1])]), g.ints([2])]);
  const rows = unsqueeze(query);
  const seen = expandTo(g, `${scope}/attn_mask_subgraph`, 'attention_mask', (b, n) => [b, rows, n], mask4);
  const hidden = m.node('Sub', [g.scalar(1), m.node('Cast', [seen], { to: TYPES.float32 })]);
  const padding = m.node('Where', [m.node('Cast', [hidden], { to: TYPES.bool }), g.scalar(LOWEST), hidden]);
  const both = g.under(scope).node('Add', [padding, causal4]);
  return g.under(scope).node('Tile', [both, g.ints([1, heads, 1, 1])]);
}

/** x expanded to [batch, 1, query, key], of which two are the dimensions of `root`. */
function expandTo(
  g: GraphWriter,
  scope: string,
  root: string,
  dimensions: (batch: string, length: string) => [string, string, string],
  x: string,
): string {
  const s = g.under(scope);
  const [batch, length] = [0, 1].map((axis) => dimension(s, s.node('Shape', [root]), axis)) as [string, string];
  const [b, query, key] = dimensions(batch, length);
  const shape = s.node('Concat', [b, g.ints([1]), query, key], { axis: 0 });
  return s.node('Expand', [x, expandShape(s, shape)]);
}
