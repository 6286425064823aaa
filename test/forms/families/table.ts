// The families, as transformers computes them and Optimum or ONNX Runtime's model builder exports them.

import type { Family, FormName } from './family';

/** Sizes and settings of a Llama; a family says what it has otherwise. */
const LLAMA: Omit<Family, 'name' | 'modelType' | 'architecture' | 'config'> = {
  forms: ['optimum'],
  layers: 2,
  hidden: 48,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  ffn: 80,
  norm: 'rms',
  block: 'before',
  qkv: 'apart',
  mlp: 'gated',
  activation: 'silu',
  rotary: { dims: 16, theta: 10000 },
  mask: 'written',
  untied: true,
  positions: true,
};
/** Sizes and settings of a GPT-2. */
const GPT: typeof LLAMA = {
  ...LLAMA,
  kvHeads: 4,
  hidden: 64,
  ffn: 96,
  norm: 'layer',
  qkv: 'in a row',
  biases: { qkv: true, out: true, mlp: true },
  mlp: 'plain',
  activation: 'gelu, tanh',
  mask: 'table',
  untied: false,
};
/** The same without a rotation: positions are told otherwise. */
const UNTURNED = Object.fromEntries(Object.entries(GPT).filter(([key]) => key !== 'rotary')) as typeof GPT;
const ALL_BIASES = { qkv: true, out: true, mlp: true };
const OPTIMUM: readonly FormName[] = ['optimum', 'optimum, merged'];
const BOTH: readonly FormName[] = ['optimum', 'builder'];

/** The settings that most families share the names of. */
function usual(
  f: Pick<Family, 'layers' | 'hidden' | 'heads' | 'kvHeads' | 'headDim' | 'ffn'>,
): Record<string, unknown> {
  return {
    num_hidden_layers: f.layers,
    hidden_size: f.hidden,
    num_attention_heads: f.heads,
    num_key_value_heads: f.kvHeads,
    intermediate_size: f.ffn,
    max_position_embeddings: 128,
    ...(f.headDim === f.hidden / f.heads ? {} : { head_dim: f.headDim }),
  };
}

/** A family with config.json's usual names. */
function like(
  base: typeof LLAMA,
  name: string,
  modelType: string,
  architecture: string,
  other: Partial<typeof LLAMA> = {},
  config: Record<string, unknown> = {},
): Family {
  const f = { ...base, ...other };
  return { ...f, name, modelType, architecture, config: { ...usual(f), ...config } };
}

/** A family with names of its own. */
function named(
  base: typeof LLAMA,
  name: string,
  modelType: string,
  architecture: string,
  config: Record<string, unknown>,
  other: Partial<typeof LLAMA> = {},
): Family {
  return { ...base, ...other, name, modelType, architecture, config };
}

const GPT_NAMES = { n_layer: 2, n_embd: 64, n_head: 4, n_positions: 128, n_ctx: 128 };
const GEMMA: Partial<typeof LLAMA> = {
  forms: BOTH,
  headDim: 32,
  norm: 'rms of 1 + weight',
  activation: 'gelu, tanh',
  rotary: { dims: 32, theta: 10000 },
  embeddingScale: Math.sqrt(48),
  untied: false,
};

export const TABLE: readonly Family[] = [
  like(LLAMA, 'Llama', 'llama', 'LlamaForCausalLM', { forms: ['optimum', 'optimum, merged', 'builder'] }, { rope_theta: 10000 }), // prettier-ignore
  like(LLAMA, 'Llama, decoder of a larger model', 'llama', 'LlamaForCausalLM', { forms: ['optimum'] }),
  like(LLAMA, 'Mistral', 'mistral', 'MistralForCausalLM', { forms: ['optimum', 'optimum, merged', 'builder'], windows: [7, 7] }, { sliding_window: 7 }), // prettier-ignore
  like(LLAMA, 'SmolLM', 'llama', 'LlamaForCausalLM', { forms: BOTH, heads: 3, kvHeads: 1, untied: false }, { tie_word_embeddings: true }), // prettier-ignore
  like(LLAMA, 'Qwen2', 'qwen2', 'Qwen2ForCausalLM', { forms: ['optimum', 'optimum, merged', 'builder'], biases: { qkv: true }, untied: false }), // prettier-ignore
  like(LLAMA, 'Qwen3', 'qwen3', 'Qwen3ForCausalLM', { forms: BOTH, headDim: 32, rotary: { dims: 32, theta: 10000 }, headNorms: 'each head' }), // prettier-ignore
  like(LLAMA, 'SmolLM3', 'smollm3', 'SmolLM3ForCausalLM', { forms: BOTH, layers: 4, rotary: { dims: 16, theta: 10000, notIn: [3] } }, { no_rope_layers: [1, 1, 1, 0] }), // prettier-ignore
  like(LLAMA, 'Gemma', 'gemma', 'GemmaForCausalLM', GEMMA),
  like(LLAMA, 'Gemma 2', 'gemma2', 'Gemma2ForCausalLM', { ...GEMMA, block: 'around', windows: [7, undefined], softcap: 5, logitCap: 6, scale: 24 ** -0.5 }, { sliding_window: 7, query_pre_attn_scalar: 24, attn_logit_softcapping: 5, final_logit_softcapping: 6 }), // prettier-ignore
  like(LLAMA, 'Gemma 3', 'gemma3_text', 'Gemma3ForCausalLM', { ...GEMMA, layers: 3, block: 'around', windows: [7, 7, undefined], headNorms: 'each head', scale: 24 ** -0.5 }, { sliding_window: 7, query_pre_attn_scalar: 24 }), // prettier-ignore
  like(GPT, 'Phi', 'phi', 'PhiForCausalLM', { forms: ['optimum', 'optimum, merged', 'builder', 'builder, MultiHeadAttention'], block: 'parallel', qkv: 'apart', hidden: 128, headDim: 32, rotary: { dims: 16, theta: 10000 }, biases: { ...ALL_BIASES, logits: true }, mask: 'written', untied: true }, { partial_rotary_factor: 0.5, num_key_value_heads: null }), // prettier-ignore
  like(LLAMA, 'Phi-3', 'phi3', 'Phi3ForCausalLM', { forms: ['optimum', 'builder', 'builder, MultiHeadAttention'], kvHeads: 4, hidden: 64, qkv: 'in a row', mlp: 'gated in one', windows: [undefined, undefined] }), // prettier-ignore
  like(GPT, 'StarCoder2', 'starcoder2', 'Starcoder2ForCausalLM', { forms: OPTIMUM, kvHeads: 2, qkv: 'apart', mask: 'written', windows: [9, 9] }, { sliding_window: 9, use_bias: true }), // prettier-ignore
  named(UNTURNED, 'StarCoder (GPT-BigCode)', 'gpt_bigcode', 'GPTBigCodeForCausalLM', { ...GPT_NAMES, multi_query: true }, { forms: ['optimum', 'optimum, older cache'], kvHeads: 1, learned: { offset: 0, from: 'position_ids' } }), // prettier-ignore
  named(UNTURNED, 'GPT-BigCode, as many key heads', 'gpt_bigcode', 'GPTBigCodeForCausalLM', { ...GPT_NAMES, multi_query: false }, { qkv: 'by head', learned: { offset: 0, from: 'position_ids' } }), // prettier-ignore
  named(UNTURNED, 'GPT-2', 'gpt2', 'GPT2LMHeadModel', GPT_NAMES, { forms: OPTIMUM, learned: { offset: 0, from: 'position_ids' } }), // prettier-ignore
  named(UNTURNED, 'GPT-Neo', 'gpt_neo', 'GPTNeoForCausalLM', { num_layers: 2, hidden_size: 64, num_heads: 4, max_position_embeddings: 128, window_size: 9, attention_types: [[['global', 'local'], 1]] }, { forms: OPTIMUM, qkv: 'apart', biases: { out: true, mlp: true }, scale: 1, windows: [undefined, 9], learned: { offset: 0, from: 'position_ids' } }), // prettier-ignore
  named(GPT, 'GPT-J', 'gptj', 'GPTJForCausalLM', { ...GPT_NAMES, rotary_dim: 8 }, { forms: OPTIMUM, block: 'parallel', qkv: 'apart', rotary: { dims: 8, theta: 10000, interleaved: true }, biases: { mlp: true, logits: true }, untied: true }), // prettier-ignore
  like(GPT, 'GPT-NeoX', 'gpt_neox', 'GPTNeoXForCausalLM', { forms: OPTIMUM, block: 'parallel, two norms', qkv: 'by head', rotary: { dims: 4, theta: 10000 }, activation: 'gelu', untied: true }, { rotary_pct: 0.25, use_parallel_residual: true }), // prettier-ignore
  named(GPT, 'CodeGen', 'codegen', 'CodeGenForCausalLM', { ...GPT_NAMES, rotary_dim: 8 }, { forms: OPTIMUM, block: 'parallel', qkv: 'in fours', rotary: { dims: 8, theta: 10000, interleaved: true }, biases: { mlp: true, logits: true }, untied: true }), // prettier-ignore
  named(UNTURNED, 'BLOOM', 'bloom', 'BloomForCausalLM', { n_layer: 4, n_head: 4, hidden_size: 64, seq_length: 128 }, { forms: ['optimum', 'optimum, merged', 'optimum, older cache'], layers: 4, qkv: 'by head', alibi: 'attention_mask', embeddingNorm: true, mask: 'written', positions: false }), // prettier-ignore
  named(UNTURNED, 'MPT', 'mpt', 'MptForCausalLM', { n_layers: 2, n_heads: 4, d_model: 64, max_seq_len: 128, attn_config: { alibi: true } }, { forms: OPTIMUM, norm: 'layer without bias', biases: {}, activation: 'gelu', alibi: 'keys', mask: 'written', positions: false }), // prettier-ignore
  named(UNTURNED, 'OPT', 'opt', 'OPTForCausalLM', { num_hidden_layers: 2, hidden_size: 64, num_attention_heads: 4, ffn_dim: 96, word_embed_proj_dim: 64, max_position_embeddings: 128 }, { forms: OPTIMUM, qkv: 'apart', activation: 'relu', mask: 'written', learned: { offset: 2, from: 'attention_mask' }, positions: false }), // prettier-ignore
  like(LLAMA, 'Granite', 'granite', 'GraniteForCausalLM', { forms: BOTH, embeddingScale: 6, residualScale: 0.4, scale: 0.2, logitScale: 1 / 3, untied: false }, { embedding_multiplier: 6, residual_multiplier: 0.4, attention_multiplier: 0.2, logits_scaling: 3 }), // prettier-ignore
  like(LLAMA, 'StableLM', 'stablelm', 'StableLmForCausalLM', { forms: OPTIMUM, kvHeads: 4, hidden: 64, norm: 'layer', rotary: { dims: 4, theta: 10000 }, biases: { qkv: true } }, { partial_rotary_factor: 0.25, use_qkv_bias: true }), // prettier-ignore
  like(LLAMA, 'OLMo', 'olmo', 'OlmoForCausalLM', { forms: BOTH, norm: 'layer without weights' }),
  like(LLAMA, 'OLMo 2', 'olmo2', 'Olmo2ForCausalLM', { block: 'after', headNorms: 'all heads' }),
  like(LLAMA, 'Command R', 'cohere', 'CohereForCausalLM', { norm: 'layer without bias', block: 'parallel', rotary: { dims: 16, theta: 10000, interleaved: true }, logitScale: 0.25, untied: false }, { logit_scale: 0.25 }), // prettier-ignore
];
