// Which families of models can be run, told from `config.json` before anything is downloaded. Pure.

import { t } from '../l10n';

/** A family that can be run. */
export interface Family {
  /** For people. */
  name: string;
  kind: 'decoder' | 'encoder-decoder';
}

/** `model_type` → the family's name. */
const DECODERS: Readonly<Record<string, string>> = {
  llama: 'Llama',
  mistral: 'Mistral',
  qwen2: 'Qwen2',
  qwen3: 'Qwen3',
  smollm3: 'SmolLM3',
  gemma: 'Gemma',
  gemma2: 'Gemma 2',
  gemma3_text: 'Gemma 3',
  phi: 'Phi',
  phi3: 'Phi-3',
  starcoder2: 'StarCoder2',
  gpt_bigcode: 'StarCoder',
  gpt2: 'GPT-2',
  gpt_neo: 'GPT-Neo',
  gpt_neox: 'GPT-NeoX',
  gptj: 'GPT-J',
  codegen: 'CodeGen',
  bloom: 'BLOOM',
  mpt: 'MPT',
  opt: 'OPT',
  granite: 'Granite',
  stablelm: 'StableLM',
  olmo: 'OLMo',
  olmo2: 'OLMo 2',
  cohere: 'Command R',
};
/** Each `model_type` of a decoder that can be run; test/FAMILIES.md has the test that shows each. */
export const DECODER_TYPES: readonly string[] = Object.keys(DECODERS);
const ENCODER_DECODERS: Readonly<Record<string, string>> = {
  t5: 'T5',
  mt5: 'mT5',
  umt5: 'UMT5',
  marian: 'Marian',
};
/** The same of encoder–decoder models, which are for Generate alone. */
export const ENCODER_DECODER_TYPES: readonly string[] = Object.keys(ENCODER_DECODERS);
/** Families that keep something else than keys and values of what they have read. */
const WITHOUT_CACHE = new Set(['mamba', 'mamba2', 'falcon_mamba', 'rwkv', 'jamba', 'recurrent_gemma', 'lfm2', 'zamba']);
/** Tasks that end the name of an architecture which writes no text. */
const OTHER_TASK = /For(MaskedLM|SequenceClassification|TokenClassification|QuestionAnswering|ImageClassification|CTC)$|Vision|Audio|Whisper/; // prettier-ignore

/**
 * What can be done with a model.
 * @param config `config.json`
 * @returns its family, or a sentence that names what is in the way
 */
export function familyOf(config: Record<string, unknown>): Family | { unsupported: string } {
  const type = typeof config['model_type'] === 'string' ? config['model_type'] : '';
  const [architecture = ''] = Array.isArray(config['architectures']) ? (config['architectures'] as string[]) : [];
  if (type === '') return { unsupported: t('its config.json names no model_type.') };
  if (Object.hasOwn(ENCODER_DECODERS, type)) return { name: ENCODER_DECODERS[type] as string, kind: 'encoder-decoder' };
  if (WITHOUT_CACHE.has(type))
    return { unsupported: t('models of the family {0} keep no keys and values of what they have read.', type) };
  if (config['is_encoder_decoder'] === true)
    return { unsupported: t('of the encoder–decoder families, {0} is not known here.', type) };
  if (OTHER_TASK.test(architecture))
    return { unsupported: t('it is made for another task ({0}) and writes no text.', architecture) };
  if (Object.hasOwn(DECODERS, type)) return { name: DECODERS[type] as string, kind: 'decoder' };
  return { unsupported: t('its family, {0}, is not known here.', type) };
}
