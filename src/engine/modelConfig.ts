// The settings of a decoder out of config.json. Each family has names of its own for the same numbers, and some leave out what their
// family always has.

import { t } from '../l10n';
import { EngineError } from './errors';

/** The settings of a decoder that the engine needs, from `config.json` and `generation_config.json`. */
export interface ModelConfig {
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  vocab: number;
  /** Longest sequence the model was made for, in tokens. */
  contextLength: number;
  /** Ids that end a text. */
  eosIds: number[];
  /** Id that begins a text, where the model has one. */
  bosId: number | undefined;
}

type Settings = Readonly<Record<string, unknown>>;

/** By setting, the names that it goes by: those of Llama and most others, of GPT-2, of GPT-Neo, of MPT, of BLOOM. */
const NAMED = {
  layers: ['num_hidden_layers', 'n_layer', 'num_layers', 'n_layers'],
  heads: ['num_attention_heads', 'n_head', 'num_heads', 'n_heads'],
  kvHeads: ['num_key_value_heads', 'num_kv_heads', 'n_head_kv'],
  hidden: ['hidden_size', 'n_embd', 'd_model', 'n_embed'],
  context: ['max_position_embeddings', 'n_positions', 'n_ctx', 'max_seq_len', 'seq_length', 'max_sequence_length'],
} as const;

/** What the decoder beside an encoder calls them, where the encoder may have others: T5, Marian. */
const BESIDE_ENCODER = {
  layers: ['num_decoder_layers', 'decoder_layers'],
  heads: ['decoder_attention_heads'],
} as const;

/** What a family has where its config.json says nothing: the defaults of transformers, which a decoder inside a larger model leaves out. */
const LEFT_OUT: Readonly<Record<string, Settings>> = {
  gemma: { num_attention_heads: 16, num_key_value_heads: 16, head_dim: 256 },
  gemma2: { num_attention_heads: 8, num_key_value_heads: 4, head_dim: 256 },
  gemma3_text: {
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 256,
    vocab_size: 262208,
    max_position_embeddings: 131072,
  },
  qwen3: { head_dim: 128 },
  gpt_bigcode: { multi_query: true },
};

/** Context of a model that does not say how much it has. */
const CONTEXT = 2048;
/** No model has more layers or heads; arrays are made of so many. */
const MOST_LAYERS = 4096;

/**
 * Reads the settings.
 * @param config `config.json`
 * @param generation `generation_config.json`, or nothing
 * @param path of config.json, for errors
 * @throws EngineError `model_damaged`, naming the file and the setting
 */
export function readConfig(config: Settings, generation: Settings, path: string): ModelConfig {
  const own = settingsOfDecoder(config);
  const text: Settings = { ...LEFT_OUT[String(own['model_type'])], ...withoutNull(own) };
  const inAttention = isObject(text['attn_config']) ? text['attn_config'] : {};
  const need = (...names: readonly string[]): number => {
    const value = positive(text, names);
    if (value === undefined)
      throw new EngineError(
        'model_damaged',
        t(
          '{0} has no positive whole number "{1}". Restore the file; only transformers that write text can be loaded.',
          path,
          names[0] ?? '',
        ),
      );
    return value;
  };
  const { layers: more, heads: others } =
    own['is_encoder_decoder'] === true ? BESIDE_ENCODER : { layers: [], heads: [] };
  const heads = positive(text, others) ?? need(...NAMED.heads);
  const layers = positive(text, more) ?? need(...NAMED.layers);
  if (layers > MOST_LAYERS || heads > MOST_LAYERS)
    throw new EngineError(
      'model_damaged',
      t(
        '{0} speaks of {1} layers and {2} heads; there are models of up to {3}. Restore the file.',
        path,
        layers,
        heads,
        MOST_LAYERS,
      ),
    );
  const shared = text['multi_query'] === true ? 1 : heads;
  return {
    layers,
    heads,
    kvHeads: positive(text, NAMED.kvHeads) ?? positive(inAttention, ['kv_n_heads']) ?? shared,
    headDim: positive(text, ['head_dim', 'd_kv']) ?? Math.floor(need(...NAMED.hidden) / heads),
    vocab: need('vocab_size'),
    contextLength: positive(text, NAMED.context) ?? CONTEXT,
    eosIds: ids(generation['eos_token_id'] ?? text['eos_token_id'] ?? config['eos_token_id']),
    bosId: ids(generation['bos_token_id'] ?? text['bos_token_id'] ?? config['bos_token_id'])[0],
  };
}

/** Models of pictures and text keep their decoder's settings one level down. */
function settingsOfDecoder(config: Settings): Settings {
  return isObject(config['text_config']) ? config['text_config'] : config;
}

function withoutNull(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
}

function isObject(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first of these that is a whole number above 0. */
function positive(settings: Settings, names: readonly string[]): number | undefined {
  return names
    .map((name) => settings[name])
    .find((value): value is number => typeof value === 'number' && Number.isInteger(value) && value > 0);
}

function ids(value: unknown): number[] {
  return (Array.isArray(value) ? value : [value]).filter(
    (id): id is number => typeof id === 'number' && Number.isInteger(id) && id >= 0,
  );
}
