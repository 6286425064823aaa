// Attention as ONNX Runtime's model builder writes it: GroupQueryAttention, or MultiHeadAttention with a mask of the graph's own.

import { TYPES } from '../../onnxWriter';
import { builderMask } from '../mha';
import type { Attend } from './attention';
import { CONTEXT, type Tools } from './family';
import { headNorms, projections } from './projections';

const MICROSOFT = 'com.microsoft';

/** Tables of the rotation [position, dims / 2]. */
function tables({ f, float }: Tools): [string, string] {
  const { dims, theta } = f.rotary as NonNullable<typeof f.rotary>;
  const half = dims / 2;
  const table = (of: (x: number) => number): Float32Array =>
    Float32Array.from({ length: CONTEXT * half }, (_, i) =>
      of(Math.floor(i / half) * theta ** ((-2 * (i % half)) / dims)),
    );
  return [float('cos_cache', table(Math.cos), [CONTEXT, half]), float('sin_cache', table(Math.sin), [CONTEXT, half])];
}

/** The operator turns queries and keys itself, unless they are normed before, or the builder's mask needs a rotation outside. */
export function fusedAttention(tools: Tools): Attend {
  const { g, f, form } = tools;
  const [cos, sin] = f.rotary === undefined ? ['', ''] : tables(tools);
  const group = form === 'builder';
  const inside = group && f.headNorms === undefined;
  const mask = group ? '' : builderMask(g, f.heads);
  const [seqlens, total] = group ? keyLengths(tools) : ['', ''];
  return (x, layer, module) => {
    const s = g.under(`/model/layers.${layer}/attn`);
    const { q, k, v } = headNorms(tools, projections(tools, x, module), module);
    const rotates = f.rotary !== undefined && f.rotary.notIn?.includes(layer) !== true;
    const turn = (y: string, heads: number): string => {
      if (!rotates || inside) return y;
      const attributes = {
        interleaved: f.rotary?.interleaved ? 1 : 0,
        num_heads: heads,
        ...(f.rotary?.dims === f.headDim ? {} : { rotary_embedding_dim: f.rotary?.dims ?? 0 }),
      };
      return s.node('RotaryEmbedding', [y, 'position_ids', cos, sin], attributes, undefined, MICROSOFT);
    };
    const three = [turn(q, f.heads), turn(k, f.kvHeads), v];
    const past = ['key', 'value'].map((part) => `past_key_values.${layer}.${part}`);
    const output = `/model/layers.${layer}/attn/${group ? 'GroupQueryAttention' : 'MultiHeadAttention'}/output_0`;
    const outputs = [output, `present.${layer}.key`, `present.${layer}.value`];
    const scale = { float: f.scale ?? f.headDim ** -0.5 };
    if (!group) {
      s.nodes(
        'MultiHeadAttention',
        [...three, '', '', mask, ...past],
        outputs,
        { num_heads: f.heads, scale },
        MICROSOFT,
      );
      return output;
    }
    const window = f.windows?.[layer];
    s.nodes(
      'GroupQueryAttention',
      [...three, ...past, seqlens, total, ...(inside && rotates ? [cos, sin] : [])],
      outputs,
      {
        num_heads: f.heads,
        kv_num_heads: f.kvHeads,
        scale,
        ...(f.softcap === undefined ? {} : { softcap: { float: f.softcap } }),
        ...(window === undefined ? {} : { local_window_size: window }),
        do_rotary: inside && rotates ? 1 : 0,
        rotary_interleaved: f.rotary?.interleaved ? 1 : 0,
      },
      MICROSOFT,
    );
    return output;
  };
}

/** int32 [batch, 1], the index of the last key, and int32 [], the number of keys; from `attention_mask`. */
function keyLengths({ g }: Tools): [string, string] {
  const s = g.under('/model/attn_mask_reformat');
  const sum = s.node('ReduceSum', ['attention_mask', s.ints([1])], { keepdims: 1 });
  const last = s.node('Sub', [sum, s.ints([1])]);
  const total = s.node('Gather', [s.node('Shape', ['attention_mask']), s.ints([1], [])], { axis: 0 });
  return [s.node('Cast', [last], { to: TYPES.int32 }), s.node('Cast', [total], { to: TYPES.int32 })];
}
