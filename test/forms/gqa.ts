// Attention as com.microsoft.GroupQueryAttention, as ONNX Runtime's model builder writes it.

import { TYPES } from '../onnxWriter';
import { windowOf } from '../reference';
import type { AttentionForm, Tools } from './llama';
import { rotaryTables, transposed } from './llamaParts';

export interface GqaOptions {
  /** One product makes queries, keys and values; the operator takes them apart. */
  packed?: boolean;
  /** Queries and keys are turned by an operator of their own, from `position_ids`. */
  rotaryOutside?: boolean;
  /** The attribute `scale` is left out: the operator's own default, headDim^−½, holds. */
  noScale?: boolean;
}

/** The form. Softcap, window, interleaving and normed heads come from the weights. */
export function groupQueryAttention({ packed, rotaryOutside, noScale }: GqaOptions = {}): AttentionForm {
  return (tools) => {
    const { g, w, linear } = tools;
    const [cos, sin] = rotaryTables(tools, (w.rotaryDim ?? w.headDim) / 2);
    const [seqlens, total] = lengths(tools);
    const positions = rotaryOutside ? reshapedPositions(tools) : '';
    return (layer, x) => {
      const [scope, module] = [`/model/layers.${layer}/attn`, `model.layers.${layer}.self_attn`];
      let q = packed ? packedProjection(tools, x, layer) : linear(x, `${module}.q_proj`);
      let k = packed ? '' : linear(x, `${module}.k_proj`);
      const v = packed ? '' : linear(x, `${module}.v_proj`);
      if (w.headNorms) [q, k] = [headNorm(tools, q, layer, 'q'), headNorm(tools, k, layer, 'k')];
      if (rotaryOutside)
        [q, k] = [
          rotary(tools, q, [cos, sin, positions], layer, 'q'),
          rotary(tools, k, [cos, sin, positions], layer, 'k'),
        ];
      const window = windowOf(w, layer);
      const past = ['key', 'value'].map((part) => `past_key_values.${layer}.${part}`);
      const tables = rotaryOutside ? [] : [cos, sin];
      const output = `${scope}/GroupQueryAttention/output_0`;
      g.under(scope).nodes(
        'GroupQueryAttention',
        [q, k, v, ...past, seqlens, total, ...tables],
        [output, `present.${layer}.key`, `present.${layer}.value`],
        {
          num_heads: w.heads,
          kv_num_heads: w.kvHeads,
          ...(noScale ? {} : { scale: { float: w.scale ?? w.headDim ** -0.5 } }),
          ...(w.softcap === undefined ? {} : { softcap: { float: w.softcap } }),
          ...(window === undefined ? {} : { local_window_size: window }),
          do_rotary: rotaryOutside ? 0 : 1,
          rotary_interleaved: w.interleaved ? 1 : 0,
        },
        'com.microsoft',
      );
      return output;
    };
  };
}

/** seqlens_k int32 [batch, 1], the index of the last key; total_sequence_length int32 []. Both from `attention_mask`. */
function lengths({ g }: Tools): [string, string] {
  const scope = g.under('/model/attn_mask_reformat/attn_mask_subgraph');
  const sum = scope.node('ReduceSum', ['attention_mask', g.ints([1])], { keepdims: 1 });
  const last = scope.node('Sub', [sum, g.ints([1])]);
  const total = scope.node('Gather', [scope.node('Shape', ['attention_mask']), g.ints([1], [])], { axis: 0 });
  return [
    g.under('/model/attn_mask_reformat/attn_mask_subgraph/Sub').node('Cast', [last], { to: TYPES.int32 }),
    g.under('/model/attn_mask_reformat/attn_mask_subgraph/Gather').node('Cast', [total], { to: TYPES.int32 }),
  ];
}

/** `position_ids`, given the shape of `input_ids` once more. */
export function reshapedPositions({ g }: Tools): string {
  const scope = g.under('/model/pos_ids_reformat');
  const length = scope.node('Gather', [scope.node('Shape', ['input_ids']), g.ints([1], [])], { axis: 0 });
  const shape = scope.node('Concat', [g.ints([-1]), scope.node('Unsqueeze', [length, g.ints([0])])], { axis: 0 });
  return scope.node('Reshape', ['position_ids', shape]);
}

/** com.microsoft.RotaryEmbedding of x [batch, query, head · headDim] → the same shape. */
export function rotary(
  { g, w }: Tools,
  x: string,
  [cos, sin, positions]: [string, string, string],
  layer: number,
  part: 'q' | 'k',
): string {
  const scope = g.under(`/model/layers.${layer}/attn/${part}_rotary`);
  const partial = w.rotaryDim !== undefined;
  const attributes = {
    interleaved: w.interleaved ? 1 : 0,
    num_heads: partial ? (part === 'q' ? w.heads : w.kvHeads) : 0,
    rotary_embedding_dim: w.rotaryDim ?? 0,
  };
  return scope.node('RotaryEmbedding', [x, positions, cos, sin], attributes, undefined, 'com.microsoft');
}

function packedProjection({ g, w, float }: Tools, x: string, layer: number): string {
  const module = `model.layers.${layer}.self_attn`;
  const parts = ['q', 'k', 'v'].map((part) => w.tensor(`${module}.${part}_proj.weight`));
  const rows = (w.heads + 2 * w.kvHeads) * w.headDim;
  const merged = new Float32Array(rows * w.hidden); // [out, in], queries, keys, values
  parts.reduce((at, part) => (merged.set(part, at), at + part.length), 0);
  const name = `model.layers.${layer}.attn.qkv_proj.MatMul.weight`;
  const weight = float(name, transposed(merged, [rows, w.hidden]), [w.hidden, rows]);
  const scope = g.under(`/model/layers.${layer}/attn/qkv_proj`);
  const product = scope.node('MatMul', [x, weight]);
  if (!w.biases) return product;
  const biases = ['q', 'k', 'v'].flatMap((part) => [...w.tensor(`${module}.${part}_proj.bias`)]);
  const bias = float(`model.layers.${layer}.attn.qkv_proj.Add.bias`, Float32Array.from(biases), [rows]);
  return scope.node('Add', [product, bias]);
}

/** RMSNorm of each head of x [batch, query, head · headDim], which it sees as [batch, query · head, headDim]. */
function headNorm({ g, w, norm }: Tools, x: string, layer: number, part: 'q' | 'k'): string {
  const scope = g.under(`/model/layers.${layer}/attn/${part}_norm`);
  const heads = scope.node('Reshape', [x, g.ints([0, -1, w.headDim])]);
  const normed = norm(heads, `model.layers.${layer}.self_attn.${part}_norm`);
  return scope.node('Reshape', [normed, g.ints([0, -1, (part === 'q' ? w.heads : w.kvHeads) * w.headDim])]);
}
