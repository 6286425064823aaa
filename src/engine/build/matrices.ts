// Names and sizes of a decoder's weights, as Hugging Face transformers names them, and whether a folder has them all.

import { t } from '../../l10n';
import { EngineError } from '../errors';
import { WIDTHS } from './floats';
import { damaged, type Safetensors } from './safetensors';
import type { Shape } from './shape';

export const EMBEDDING = 'model.embed_tokens.weight';
export const FINAL_NORM = 'model.norm.weight';

/** The matrix that gives the logits. */
export function outputName({ tied }: Shape): string {
  return tied ? EMBEDDING : 'lm_head.weight';
}

/** A weight of layer `layer`; `name` is what comes after that: self_attn.q_proj.weight. */
export function inLayer(layer: number, name: string): string {
  return `model.layers.${layer}.${name}`;
}

/** Name → [rows, columns], or [length] of a vector; all weights in the order in which they are used. */
export function weightsOf(shape: Shape): Map<string, number[]> {
  const { layers, heads, kvHeads, headDim, hidden, inner, vocab, biases, headNorms, tied } = shape;
  const all = new Map<string, number[]>([[EMBEDDING, [vocab, hidden]]]);
  for (let layer = 0; layer < layers; layer++) {
    const vector = (name: string, length: number): unknown => all.set(inLayer(layer, name), [length]);
    const product = (name: string, rows: number, columns: number, bias: boolean): void => {
      all.set(inLayer(layer, `${name}.weight`), [rows, columns]);
      if (bias) vector(`${name}.bias`, rows);
    };
    vector('input_layernorm.weight', hidden);
    product('self_attn.q_proj', heads * headDim, hidden, biases.qkv);
    product('self_attn.k_proj', kvHeads * headDim, hidden, biases.qkv);
    product('self_attn.v_proj', kvHeads * headDim, hidden, biases.qkv);
    if (headNorms) {
      vector('self_attn.q_norm.weight', headDim);
      vector('self_attn.k_norm.weight', headDim);
    }
    product('self_attn.o_proj', hidden, heads * headDim, biases.output);
    vector('post_attention_layernorm.weight', hidden);
    product('mlp.gate_proj', inner, hidden, biases.inner);
    product('mlp.up_proj', inner, hidden, biases.inner);
    product('mlp.down_proj', hidden, inner, biases.inner);
  }
  all.set(FINAL_NORM, [hidden]);
  if (!tied) all.set(outputName(shape), [vocab, hidden]);
  return all;
}

/** @throws EngineError where a weight is missing, has another shape than config.json says, or is of a type that is not read */
export function checkWeights(weights: Safetensors, shape: Shape, dir: string): void {
  for (const [name, dims] of weightsOf(shape)) {
    const found = weights.tensor(name);
    if (found === undefined)
      throw new EngineError(
        'model_damaged',
        t(
          'The safetensors in {0} lack {1}, which config.json asks for. Restore the files: they may belong to different models.',
          dir,
          name,
        ),
      );
    if (found.shape.join() !== dims.join())
      throw damaged(found.file, `${name} is ${found.shape.join(' × ')}; config.json asks for ${dims.join(' × ')}`);
    if (!Object.hasOwn(WIDTHS, found.dtype))
      throw new EngineError(
        'model_unsupported',
        t(
          '{0} is of type {1} in {2}; {3} can be read. Choose the model in one of these.',
          name,
          found.dtype,
          found.file,
          Object.keys(WIDTHS).join(', '),
        ),
      );
  }
}
