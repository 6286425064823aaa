// A model folder → the metadata and tensors that llama.cpp expects of the architecture "llama" (llama.cpp, src/llama-arch.cpp,
// conversion/llama.py). Knows names and orders; the bytes are file.ts's and numbers.ts's.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModelFolder } from '../../src/engine/modelFolder';
import { Tokenizer } from '../../src/engine/tokenizer';
import { BadInput } from './badInput';
import { ggufFile, type Tensor, type TensorType, type Value } from './file';
import { readInitializers } from './initializers';
import { BLOCK, encode } from './numbers';
import { vocabulary } from './vocabulary';

/** llama.cpp's numbers for "all f32", "mostly f16", "mostly q8_0" (include/llama.h, llama_ftype). */
const FILE_TYPE: Record<TensorType, number> = { f32: 0, f16: 1, q8_0: 7 };
/** Name inside a layer, in Hugging Face's Llama → in llama.cpp. */
const IN_LAYER = {
  'input_layernorm.weight': 'attn_norm.weight',
  'self_attn.q_proj.weight': 'attn_q.weight',
  'self_attn.k_proj.weight': 'attn_k.weight',
  'self_attn.v_proj.weight': 'attn_v.weight',
  'self_attn.o_proj.weight': 'attn_output.weight',
  'post_attention_layernorm.weight': 'ffn_norm.weight',
  'mlp.gate_proj.weight': 'ffn_gate.weight',
  'mlp.up_proj.weight': 'ffn_up.weight',
  'mlp.down_proj.weight': 'ffn_down.weight',
} as const;
const EMBEDDING = 'model.embed_tokens.weight';

export interface ConvertOptions {
  /** The folder; its onnx/model.onnx holds float32 weights under Hugging Face's names. */
  model: string;
  /** What the matrices become; vectors stay f32, and a matrix whose rows are no multiple of 32 becomes f16 instead of q8_0. */
  type: TensorType;
  /** llama.cpp's name for the pattern that splits text. */
  pre?: string;
}

/**
 * The bytes of the GGUF file.
 * @throws BadInput or EngineError, one line that names the file, where the folder is not a Llama-style model
 */
export function convert({ model, type, pre }: ConvertOptions): Uint8Array {
  const folder = readModelFolder(model, 'onnx/model.onnx');
  const { layers, heads, kvHeads, headDim, vocab, contextLength } = folder.config;
  const config = readConfig(folder.dir);
  let weights: ReturnType<typeof readInitializers>;
  try {
    weights = readInitializers(folder.weightsPath);
  } catch (error) {
    throw new BadInput(`${folder.weightsPath} is not an ONNX model (${(error as Error).message}).`);
  }

  const tensors: Tensor[] = [];
  const add = (from: string, name: string, dims: number[], headsToPermute = 0): void => {
    const found = weights.get(from);
    if (found === undefined)
      throw new BadInput(
        `${folder.weightsPath} has no float32 weights "${from}"; only a Llama-style model with Hugging Face's names can be converted.`,
      );
    if (found.dims.join() !== dims.join())
      throw new BadInput(
        `${folder.weightsPath} has "${from}" with shape [${found.dims.join(', ')}] where config.json makes it [${dims.join(', ')}].`,
      );
    const values = headsToPermute > 0 ? interleaved(found.values, headsToPermute, dims) : found.values;
    const stored = dims.length === 1 ? 'f32' : type === 'q8_0' && (dims[1] as number) % BLOCK !== 0 ? 'f16' : type;
    tensors.push({ name, dims, type: stored, bytes: encode(values, stored) });
  };
  const { hidden, inner } = config;
  const shapes: Record<keyof typeof IN_LAYER, number[]> = {
    'input_layernorm.weight': [hidden],
    'self_attn.q_proj.weight': [heads * headDim, hidden],
    'self_attn.k_proj.weight': [kvHeads * headDim, hidden],
    'self_attn.v_proj.weight': [kvHeads * headDim, hidden],
    'self_attn.o_proj.weight': [hidden, heads * headDim],
    'post_attention_layernorm.weight': [hidden],
    'mlp.gate_proj.weight': [inner, hidden],
    'mlp.up_proj.weight': [inner, hidden],
    'mlp.down_proj.weight': [hidden, inner],
  };
  add(EMBEDDING, 'token_embd.weight', [vocab, hidden]);
  for (let layer = 0; layer < layers; layer++) {
    for (const [from, to] of Object.entries(IN_LAYER)) {
      const permuted = { 'attn_q.weight': heads, 'attn_k.weight': kvHeads }[to as string] ?? 0;
      add(`model.layers.${layer}.${from}`, `blk.${layer}.${to}`, shapes[from as keyof typeof IN_LAYER], permuted);
    }
  }
  add('model.norm.weight', 'output_norm.weight', [hidden]);
  if (!config.tied) add('lm_head.weight', 'output.weight', [vocab, hidden]);

  const metadata: Record<string, Value> = {
    'general.architecture': { string: 'llama' },
    'general.name': { string: folder.name },
    'general.file_type': { uint32: FILE_TYPE[type] },
    'general.quantization_version': { uint32: 2 },
    'llama.block_count': { uint32: layers },
    'llama.context_length': { uint32: contextLength },
    'llama.embedding_length': { uint32: hidden },
    'llama.feed_forward_length': { uint32: inner },
    'llama.attention.head_count': { uint32: heads },
    'llama.attention.head_count_kv': { uint32: kvHeads },
    'llama.attention.key_length': { uint32: headDim },
    'llama.attention.value_length': { uint32: headDim },
    'llama.attention.layer_norm_rms_epsilon': { float32: config.rmsEps },
    'llama.rope.dimension_count': { uint32: headDim },
    'llama.rope.freq_base': { float32: config.ropeTheta },
    'llama.vocab_size': { uint32: vocab },
    ...vocabulary(folder.tokenizerJson, new Tokenizer(folder), vocab, pre),
  };
  return ggufFile(metadata, tensors);
}

/**
 * Rows in the order of llama.cpp's rotary positions, which turn the pairs (2d, 2d+1) of a head where ONNX's and PyTorch's turn
 * (d, d + headDim/2): within each head, row d + part · headDim/2 goes to 2d + part.
 * @param dims [heads · headDim, hidden]
 */
export function interleaved(rows: Float32Array, heads: number, [outputs, inputs]: readonly number[]): Float32Array {
  const [size, width] = [(outputs as number) / heads, inputs as number];
  const out = new Float32Array(rows.length);
  for (let head = 0; head < heads; head++)
    for (let row = 0; row < size; row++) {
      const [part, d] = [Math.floor(row / (size / 2)), row % (size / 2)];
      const from = (head * size + row) * width;
      out.set(rows.subarray(from, from + width), (head * size + 2 * d + part) * width);
    }
  return out;
}

interface LlamaConfig {
  hidden: number;
  inner: number;
  rmsEps: number;
  ropeTheta: number;
  /** The output matrix is the embedding. */
  tied: boolean;
}

/** What llama.cpp needs of config.json and the engine does not. */
function readConfig(dir: string): LlamaConfig {
  const path = join(dir, 'config.json');
  const json = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const rope = (json['rope_parameters'] ?? json['rope_scaling'] ?? {}) as Record<string, unknown>;
  const number = (key: string, value: unknown = json[key]): number => {
    if (typeof value !== 'number' || !(value > 0)) throw new BadInput(`${path} has no positive number "${key}".`);
    return value;
  };
  if (json['model_type'] !== 'llama')
    throw new BadInput(
      `${path} has the model_type ${JSON.stringify(json['model_type'])}; only "llama" can be converted.`,
    );
  if (json['attention_bias'] === true || json['mlp_bias'] === true)
    throw new BadInput(`${path} asks for biases; only a model without them can be converted.`);
  const kind = rope['rope_type'] ?? rope['type'] ?? 'default';
  if (kind !== 'default')
    throw new BadInput(
      `${path} scales its rotary positions (${JSON.stringify(kind)}); only plain ones can be converted.`,
    );
  return {
    hidden: number('hidden_size'),
    inner: number('intermediate_size'),
    rmsEps: number('rms_norm_eps'),
    ropeTheta: number('rope_theta', json['rope_theta'] ?? rope['rope_theta']),
    tied: json['tie_word_embeddings'] === true,
  };
}
