// Attention as the operators Attention and RotaryEmbedding of ONNX 23 (onnx/docs/Operators.md).

import type { AttentionForm } from './llama';
import { rotaryTables } from './llamaParts';
import { writtenMask } from './torchMask';

/**
 * The form.
 * @param causal the operator masks by itself; otherwise it gets a mask
 */
export function attention23(causal: boolean): AttentionForm {
  return (tools) => {
    const { g, w, linear } = tools;
    const tables = [...rotaryTables(tools, w.headDim / 2), 'position_ids'];
    const mask = causal ? '' : writtenMask(tools); // [batch, 1, query, key]
    return (layer, x) => {
      const module = `model.layers.${layer}.self_attn`;
      const s = g.under(`/model/layers.${layer}/self_attn`);
      const turned = (part: 'q' | 'k', heads: number): string =>
        s.node('RotaryEmbedding', [linear(x, `${module}.${part}_proj`), ...tables], { num_heads: heads });
      const [q, k] = [turned('q', w.heads), turned('k', w.kvHeads)];
      const v = linear(x, `${module}.v_proj`);
      const past = ['key', 'value'].map((part) => `past_key_values.${layer}.${part}`);
      const output = `/model/layers.${layer}/self_attn/Attention_output_0`;
      s.nodes('Attention', [q, k, v, mask, ...past], [output, `present.${layer}.key`, `present.${layer}.value`], {
        q_num_heads: w.heads,
        kv_num_heads: w.kvHeads,
        is_causal: causal ? 1 : 0,
        scale: { float: w.headDim ** -0.5 },
        ...(w.softcap === undefined ? {} : { softcap: { float: w.softcap } }),
      });
      return output;
    };
  };
}
