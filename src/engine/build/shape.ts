// What config.json says of a decoder of the Llama kind. What is not known to be computed here is refused by name.

import { t } from '../../l10n';
import { EngineError } from '../errors';
import type { Rotation } from './rotation';

/** Model types of Hugging Face transformers whose graph is known. */
const FAMILIES = ['llama', 'mistral', 'qwen2', 'qwen3'] as const;
export type Family = (typeof FAMILIES)[number];

/** Longer contexts than this are cut: the tables of the rotation are as long. */
const LONGEST_CONTEXT = 32768;
/** No model has more of anything than this; arrays are made of so many. */
const MOST = 1 << 20;
const MOST_LAYERS = 4096;

/** Sizes and habits of a decoder. */
export interface Shape {
  family: Family;
  layers: number;
  hidden: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  /** Width of the feed-forward network. */
  inner: number;
  vocab: number;
  /** Longest sequence, in tokens. */
  context: number;
  rmsEps: number;
  rotation: Rotation;
  /** The output matrix is the embedding. */
  tied: boolean;
  /** Each head's query and key go through an RMSNorm before the rotation. */
  headNorms: boolean;
  /** Which products have a bias: those to queries, keys and values; that of the heads' results; those of the feed-forward network. */
  biases: { qkv: boolean; output: boolean; inner: boolean };
  /** By layer: how many keys a query sees, its own included; 0: all. */
  windows: number[];
}

type Config = Record<string, unknown>;

/**
 * Reads config.json.
 * @param path of the file, for people
 * @throws EngineError `model_unsupported` where the model is not of a known kind, `model_damaged` where a number is missing
 */
export function readShape(config: Config, path: string): Shape {
  const family = FAMILIES.find((name) => name === config['model_type']);
  if (family === undefined) throw unsupported(path, `model_type ${JSON.stringify(config['model_type'] ?? null)}`);
  refuseOthers(config, path);
  const whole = (name: string, otherwise?: number): number => {
    const value = config[name] ?? otherwise;
    if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MOST) return value;
    throw missing(path, name);
  };
  const layers = whole('num_hidden_layers');
  if (layers > MOST_LAYERS) throw missing(path, 'num_hidden_layers');
  const [heads, hidden] = [whole('num_attention_heads'), whole('hidden_size')];
  const kvHeads = whole('num_key_value_heads', family === 'mistral' ? 8 : heads);
  const headDim = whole('head_dim', family === 'qwen3' ? 128 : Math.floor(hidden / heads));
  if (heads % kvHeads !== 0) throw missing(path, 'num_key_value_heads');
  if (headDim % 2 !== 0) throw unsupported(path, `head_dim ${headDim}`);
  const rmsEps = config['rms_norm_eps'] ?? 1e-6;
  if (typeof rmsEps !== 'number' || !(rmsEps > 0 && rmsEps < 1)) throw missing(path, 'rms_norm_eps');
  const attention = config['attention_bias'] === true;
  return {
    family,
    layers,
    hidden,
    heads,
    kvHeads,
    headDim,
    inner: whole('intermediate_size'),
    vocab: whole('vocab_size'),
    context: Math.min(LONGEST_CONTEXT, whole('max_position_embeddings', 2048)),
    rmsEps,
    rotation: readRotation(config, path),
    tied: config['tie_word_embeddings'] === true,
    headNorms: family === 'qwen3',
    biases: {
      qkv: family === 'qwen2' || (family !== 'mistral' && attention),
      output: (family === 'llama' || family === 'qwen3') && attention,
      inner: family === 'llama' && config['mlp_bias'] === true,
    },
    windows: readWindows(config, family, layers, path),
  };
}

/** What a configuration may ask for that is not computed here. */
function refuseOthers(config: Config, path: string): void {
  const act = config['hidden_act'] ?? 'silu';
  if (act !== 'silu' && act !== 'swish') throw unsupported(path, `hidden_act ${JSON.stringify(act)}`);
  const plain: [name: string, expected: unknown][] = [
    ['quantization_config', undefined],
    ['partial_rotary_factor', 1],
    ['attn_logit_softcapping', undefined],
    ['final_logit_softcapping', undefined],
    ['num_local_experts', undefined],
    ['num_experts', undefined],
  ];
  for (const [name, expected] of plain) {
    const value = config[name] ?? undefined;
    if (value !== undefined && value !== expected) throw unsupported(path, name);
  }
}

/** rope_theta and rope_scaling, or both in rope_parameters, as newer configurations have them. */
function readRotation(config: Config, path: string): Rotation {
  const given = config['rope_scaling'] ?? config['rope_parameters'] ?? {};
  const scaling = (typeof given === 'object' ? given : {}) as Config;
  const theta =
    config['rope_theta'] ?? (config['rope_parameters'] as Config | null | undefined)?.['rope_theta'] ?? 10000;
  if (typeof theta !== 'number' || !(theta > 1 && Number.isFinite(theta))) throw missing(path, 'rope_theta');
  const type = scaling['rope_type'] ?? scaling['type'] ?? 'default';
  const number = (name: string): number => {
    const value = scaling[name];
    if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
    throw missing(path, `rope_scaling.${name}`);
  };
  if (type === 'default') return { theta, scaling: { type: 'none' } };
  if (type === 'linear') return { theta, scaling: { type, factor: number('factor') } };
  if (type !== 'llama3') throw unsupported(path, `rope_scaling ${JSON.stringify(type)}`);
  const [low, high] = [number('low_freq_factor'), number('high_freq_factor')];
  if (high <= low) throw missing(path, 'rope_scaling.high_freq_factor');
  const original = number('original_max_position_embeddings');
  return { theta, scaling: { type, factor: number('factor'), low, high, original } };
}

/**
 * Mistral slides over all layers, Qwen only where use_sliding_window says so, from layer max_window_layers on; layer_types goes before both. Where
 * nothing is said, transformers has a window of 4,096, and 28 layers without one; null is none.
 */
function readWindows(config: Config, family: Family, layers: number, path: string): number[] {
  const window = config['sliding_window'] === undefined ? 4096 : (config['sliding_window'] ?? 0);
  const used = family === 'mistral' || (family !== 'llama' && config['use_sliding_window'] === true);
  if (!used || window === 0) return new Array<number>(layers).fill(0);
  if (typeof window !== 'number' || !Number.isInteger(window) || window < 0) throw missing(path, 'sliding_window');
  const types = config['layer_types'];
  if (Array.isArray(types)) {
    if (types.length !== layers) throw missing(path, 'layer_types');
    return types.map((type) => {
      if (type === 'sliding_attention') return window;
      if (type === 'full_attention') return 0;
      throw unsupported(path, `layer_types ${JSON.stringify(type)}`);
    });
  }
  const first = family === 'mistral' ? 0 : (config['max_window_layers'] ?? 28);
  return Array.from({ length: layers }, (_, layer) => (typeof first === 'number' && layer >= first ? window : 0));
}

function missing(path: string, name: string): EngineError {
  return new EngineError(
    'model_damaged',
    t('{0} has no usable "{1}". Restore the file, or fetch the model again.', path, name),
  );
}

function unsupported(path: string, what: string): EngineError {
  return new EngineError(
    'model_unsupported',
    t(
      '{0} asks for {1}, which cannot be built here; models of the types {2} can. Choose another model, or one that has been exported to ONNX.',
      path,
      what,
      FAMILIES.join(', '),
    ),
  );
}
