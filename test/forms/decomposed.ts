// Attention taken apart into plain operators, positions counted from the length of the cache: no `position_ids`.

import { TYPES } from '../onnxWriter';
import { windowOf } from '../reference';
import type { AttentionForm, Tools } from './llama';
import { rotaryTables } from './llamaParts';

/** The form. Softcap, sinks, window and linear biases come from the weights. */
export const decomposedAttention: AttentionForm = (tools) => {
  const { g, w, options, linear } = tools;
  const { heads, kvHeads, headDim } = w;
  const stored = TYPES[options.halfCache ? 'float16' : 'float32'];
  const [past, total] = pastAndTotal(tools);
  const axis0 = g.ints([0]);
  const positions = g.node('Range', [past, total, g.ints([1], [])]); // [query]
  const [cos, sin] = rotaryTables(tools, headDim).map((table) => g.node('Gather', [table, positions], { axis: 0 })) as [
    string,
    string,
  ];
  const bias = additiveBias(tools, positions, total, w.window);
  const otherBias = w.alternating ? additiveBias(tools, positions, total, undefined) : bias;

  const split = (x: string, n: number): string =>
    g.node('Transpose', [g.node('Reshape', [x, g.ints([0, 0, n, headDim])])], { perm: [0, 2, 1, 3] });
  const rotate = (x: string): string => {
    if (w.alibi) return x;
    const [a, b] = g.nodes('Split', [x], 2, { axis: 3 }) as [string, string];
    const turned = g.node('Concat', [g.node('Neg', [b]), a], { axis: 3 });
    return g.node('Add', [g.node('Mul', [x, cos]), g.node('Mul', [turned, sin])]);
  };
  /** [batch, kvHead, a, b] → [batch, head, a, b] */
  const forAllHeads = (x: string, last: string[]): string => {
    const shape = g.node('Concat', [g.ints([1, kvHeads, heads / kvHeads]), ...last], { axis: 0 });
    const flat = g.node('Concat', [g.ints([1, heads]), ...last], { axis: 0 });
    return g.node('Reshape', [g.node('Expand', [g.node('Unsqueeze', [x, g.ints([2])]), shape]), flat]);
  };
  return (layer, x) => {
    const module = `model.layers.${layer}.self_attn`;
    const q = rotate(split(linear(x, `${module}.q_proj`), heads));
    const newK = rotate(split(linear(x, `${module}.k_proj`), kvHeads));
    const newV = split(linear(x, `${module}.v_proj`), kvHeads);
    const transpose = { perm: [0, 1, 3, 2] };
    const cached = (part: 'key' | 'value', added: string, axis: number): string => {
      const before = g.node('Cast', [`past_key_values.${layer}.${part}`], { to: TYPES.float32 });
      const all = g.node('Concat', [before, added], { axis });
      g.node('Cast', [all], { to: stored }, `present.${layer}.${part}`);
      return all;
    };
    const [length, width] = [g.node('Unsqueeze', [total, axis0]), g.ints([headDim])];
    const k = options.keysTransposed
      ? forAllHeads(cached('key', g.node('Transpose', [newK], transpose), 3), [width, length])
      : g.node('Transpose', [forAllHeads(cached('key', newK, 2), [length, width])], transpose);
    const v = forAllHeads(cached('value', newV, 2), [length, width]);
    const scores = g.node('Mul', [g.node('MatMul', [q, k]), g.scalar(headDim ** -0.5)]);
    const capped = w.softcap === undefined ? scores : cap(tools, scores, w.softcap);
    const masked = g.node('Add', [capped, windowOf(w, layer) === w.window ? bias : otherBias]);
    const attention = w.sinks ? softmaxWithSinks(tools, masked, layer) : g.node('Softmax', [masked], { axis: 3 }); // [batch, head, query, key]
    const mixed = g.node('Transpose', [g.node('MatMul', [attention, v])], { perm: [0, 2, 1, 3] });
    return g.node('Reshape', [mixed, g.ints([0, 0, heads * headDim])]);
  };
};

/** x → limit · tanh(x / limit) */
function cap({ g }: Tools, x: string, limit: number): string {
  return g.node('Mul', [g.node('Tanh', [g.node('Div', [x, g.scalar(limit)])]), g.scalar(limit)]);
}

/** The softmax over the keys and one more column, which is then left out. */
function softmaxWithSinks({ g, w }: Tools, scores: string, layer: number): string {
  const name = `model.layers.${layer}.self_attn.sinks`;
  const sinks = g.node('Reshape', [g.float(name, w.tensor(name), [w.heads]), g.ints([1, -1, 1, 1])]);
  const shape = g.node(
    'Concat',
    [g.node('Slice', [g.node('Shape', [scores]), g.ints([0]), g.ints([3])]), g.ints([1])],
    {
      axis: 0,
    },
  );
  const all = g.node('Concat', [scores, g.node('Expand', [sinks, shape])], { axis: -1 });
  return g.node('Slice', [g.node('Softmax', [all], { axis: -1 }), g.ints([0]), g.ints([-1]), g.ints([3])]);
}

/** The lengths before and after the new tokens, int64 []. */
function pastAndTotal({ g, options }: Tools): [string, string] {
  const lengthOf = (value: string, axis: number): string =>
    g.node('Squeeze', [g.node('Gather', [g.node('Shape', [value]), g.ints([axis])]), g.ints([0])]);
  const past = lengthOf('past_key_values.0.key', options.keysTransposed ? 3 : 2);
  return [past, g.node('Add', [past, lengthOf('input_ids', 1)])];
}

/** What is added to the scores: a large negative number where a query must not look; with linear biases, slope · (key − query) elsewhere. */
function additiveBias({ g, w }: Tools, positions: string, total: string, window: number | undefined): string {
  const keys = g.node('Unsqueeze', [g.node('Range', [g.ints([0], []), total, g.ints([1], [])]), g.ints([0])]);
  const queries = g.node('Unsqueeze', [positions, g.ints([1])]);
  const distance = g.node('Sub', [keys, queries]); // [query, key]
  const past = g.node('LessOrEqual', [distance, g.ints([0], [])]);
  const visible =
    window === undefined ? past : g.node('And', [past, g.node('Greater', [distance, g.ints([-window], [])])]);
  const mask = g.node('Where', [visible, g.scalar(0), g.scalar(-1e9)]);
  if (!w.alibi) return mask;
  const slopes = Float32Array.from({ length: w.heads }, (_, head) => 2 ** ((-8 * (head + 1)) / w.heads));
  const sloped = g.node('Mul', [
    g.float('slopes', slopes, [1, w.heads, 1, 1]),
    g.node('Cast', [distance], { to: TYPES.float32 }),
  ]);
  return g.node('Add', [sloped, mask]); // [1, head, query, key]
}
