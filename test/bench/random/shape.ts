// The shape of a decoder of the Qwen2 kind, and the names and sizes of its weights.

export interface Shape {
  layers: number;
  hidden: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  inner: number;
  vocab: number;
  /** Longest sequence, in tokens. */
  context: number;
  ropeTheta: number;
  rmsEps: number;
}

/** Qwen2.5-0.5B, with a context as long as the benchmark needs. */
export const QWEN: Shape = {
  layers: 24,
  hidden: 896,
  heads: 14,
  kvHeads: 2,
  headDim: 64,
  inner: 4864,
  vocab: 151936,
  context: 2048,
  ropeTheta: 1e6,
  rmsEps: 1e-6,
};

/** A matrix [rows, columns], or a vector where there are no columns. */
export interface Weight {
  /** Its name in Hugging Face's Qwen2. */
  name: string;
  /** Its name in llama.cpp. */
  gguf: string;
  rows: number;
  columns?: number;
  /** What the numbers of a vector lie around. */
  around?: 0 | 1;
}

/** The embedding, which is the output matrix, too. */
export const EMBEDDING = 'model.embed_tokens.weight';

/** All weights, in the order of the layers. */
export function weightsOf({ layers, hidden, heads, kvHeads, headDim, inner, vocab }: Shape): Weight[] {
  const [all, shared] = [heads * headDim, kvHeads * headDim];
  const inLayer = (name: string, gguf: string, rows: number, rest: Pick<Weight, 'columns' | 'around'>): Weight => ({
    name,
    gguf,
    rows,
    ...rest,
  });
  const layer = [
    inLayer('input_layernorm.weight', 'attn_norm.weight', hidden, { around: 1 }),
    inLayer('self_attn.q_proj.weight', 'attn_q.weight', all, { columns: hidden }),
    inLayer('self_attn.q_proj.bias', 'attn_q.bias', all, { around: 0 }),
    inLayer('self_attn.k_proj.weight', 'attn_k.weight', shared, { columns: hidden }),
    inLayer('self_attn.k_proj.bias', 'attn_k.bias', shared, { around: 0 }),
    inLayer('self_attn.v_proj.weight', 'attn_v.weight', shared, { columns: hidden }),
    inLayer('self_attn.v_proj.bias', 'attn_v.bias', shared, { around: 0 }),
    inLayer('self_attn.o_proj.weight', 'attn_output.weight', hidden, { columns: all }),
    inLayer('post_attention_layernorm.weight', 'ffn_norm.weight', hidden, { around: 1 }),
    inLayer('mlp.gate_proj.weight', 'ffn_gate.weight', inner, { columns: hidden }),
    inLayer('mlp.up_proj.weight', 'ffn_up.weight', inner, { columns: hidden }),
    inLayer('mlp.down_proj.weight', 'ffn_down.weight', hidden, { columns: inner }),
  ];
  return [
    { name: EMBEDDING, gguf: 'token_embd.weight', rows: vocab, columns: hidden },
    ...Array.from({ length: layers }, (_, i) =>
      layer.map(({ name, gguf, ...rest }) => ({
        name: `model.layers.${i}.${name}`,
        gguf: `blk.${i}.${gguf}`,
        ...rest,
      })),
    ).flat(),
    { name: 'model.norm.weight', gguf: 'output_norm.weight', rows: hidden, around: 1 },
  ];
}
