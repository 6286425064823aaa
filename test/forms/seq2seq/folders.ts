// Folders of small encoder–decoder models as the hub has them: configuration, tokenizer, an encoder, and a decoder in one file or two.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { byteTokenizer } from '../../tinyModel';
import { decoderGraph, encoderGraph, mergedGraph } from './graphs';
import { SHAPE, seq2seqWeights, type Seq2SeqShape, type Seq2SeqWeights } from './shape';

/** One small model. */
export interface Seq2SeqForm {
  name: string;
  modelType: string;
  shape: Seq2SeqShape;
  /** Ids of `<pad>`, with which T5 and Marian begin, and `</s>`. */
  pad: number;
  eos: number;
  /** Pieces of words, or bytes as CodeT5 has them. */
  tokenizer: 'pieces' | 'bytes';
  /** It was taught to fill holes. */
  holes: boolean;
}

const BYTES = { tokenizer: 'bytes', pad: 258, eos: 257 } as const;
const PIECES = { tokenizer: 'pieces', pad: 0, eos: 1 } as const;

export const SEQ2SEQ_FORMS: readonly Seq2SeqForm[] = [
  { name: 'T5', modelType: 't5', shape: SHAPE, ...PIECES, holes: true },
  { name: 'T5 1.1', modelType: 't5', shape: { ...SHAPE, gated: true, tied: false }, ...PIECES, holes: true },
  { name: 'CodeT5', modelType: 't5', shape: SHAPE, ...BYTES, holes: true },
  { name: 'mT5', modelType: 'mt5', shape: { ...SHAPE, gated: true, tied: false, layers: 3 }, ...PIECES, holes: false },
  {
    name: 'UMT5',
    modelType: 'umt5',
    shape: { ...SHAPE, gated: true, tied: false, ownBiases: true },
    ...PIECES,
    holes: false,
  },
  {
    name: 'Marian',
    modelType: 'marian',
    shape: { ...SHAPE, family: 'marian' },
    tokenizer: 'pieces',
    pad: 299,
    eos: 0,
    holes: false,
  },
];

/** Which files the decoder lies in. */
export type DecoderFiles = 'merged' | 'pair';

/**
 * Writes the folder.
 * @param suffix stands behind the names of the graphs, before `.onnx`
 * @param change what is made of each graph, such as another data type
 * @returns the weights, for the reference
 */
export function writeSeq2Seq(
  dir: string,
  form: Seq2SeqForm,
  files: DecoderFiles = 'merged',
  suffix = '',
  change: (graph: Uint8Array) => Uint8Array = (graph) => graph,
): Seq2SeqWeights {
  const w = seq2seqWeights(form.shape);
  mkdirSync(join(dir, 'onnx'), { recursive: true });
  const graph = (name: string, bytes: Uint8Array): void =>
    writeFileSync(join(dir, 'onnx', `${name}${suffix}.onnx`), change(bytes));
  graph('encoder_model', encoderGraph(w));
  if (files === 'merged') graph('decoder_model_merged', mergedGraph(w));
  else {
    graph('decoder_model', decoderGraph(w, 'first'));
    graph('decoder_with_past_model', decoderGraph(w, 'later'));
  }
  const json = (name: string, value: unknown): void => writeFileSync(join(dir, name), JSON.stringify(value));
  json('config.json', configOf(form));
  json('generation_config.json', {
    decoder_start_token_id: form.pad,
    eos_token_id: form.eos,
    pad_token_id: form.pad,
    ...(form.modelType === 'marian' ? { bad_words_ids: [[form.pad]] } : {}),
  });
  json('tokenizer.json', form.tokenizer === 'bytes' ? holedBytes() : pieces(form));
  json('tokenizer_config.json', {
    tokenizer_class:
      form.tokenizer === 'bytes' ? 'RobertaTokenizer' : form.modelType === 'marian' ? 'MarianTokenizer' : 'T5Tokenizer',
    eos_token: '</s>',
    pad_token: '<pad>',
    ...(form.tokenizer === 'bytes' ? { bos_token: '<s>' } : { unk_token: '<unk>' }),
    clean_up_tokenization_spaces: false,
  });
  return w;
}

function configOf({ modelType, shape, pad, eos }: Seq2SeqForm): Record<string, unknown> {
  const { layers, hidden, heads, headDim, ffn, vocab, buckets, farthest, gated, tied, context } = shape;
  const both = {
    model_type: modelType,
    is_encoder_decoder: true,
    d_model: hidden,
    vocab_size: vocab,
    pad_token_id: pad,
    eos_token_id: eos,
    decoder_start_token_id: pad,
  };
  if (modelType === 'marian')
    return {
      ...both,
      architectures: ['MarianMTModel'],
      encoder_layers: layers,
      decoder_layers: layers,
      num_hidden_layers: layers,
      encoder_attention_heads: heads,
      decoder_attention_heads: heads,
      encoder_ffn_dim: ffn,
      decoder_ffn_dim: ffn,
      activation_function: 'swish',
      scale_embedding: true,
      static_position_embeddings: true,
      max_position_embeddings: context,
    };
  return {
    ...both,
    architectures: [{ t5: 'T5', mt5: 'MT5', umt5: 'UMT5' }[modelType] + 'ForConditionalGeneration'],
    num_layers: layers,
    num_decoder_layers: layers,
    num_heads: heads,
    d_kv: headDim,
    d_ff: ffn,
    relative_attention_num_buckets: buckets,
    relative_attention_max_distance: farthest,
    feed_forward_proj: gated ? 'gated-gelu' : 'relu',
    tie_word_embeddings: tied,
    n_positions: context,
  };
}

const HOLES = ['<extra_id_0>', '<extra_id_1>', '<extra_id_2>'];

function added(id: number, content: string): unknown {
  return { id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };
}

/** A text's ids, and what stands before and after them. */
function template(before: [string, number][], after: [string, number][]): unknown {
  const special = (name: string): unknown => ({ SpecialToken: { id: name, type_id: 0 } });
  return {
    type: 'TemplateProcessing',
    single: [
      ...before.map(([name]) => special(name)),
      { Sequence: { id: 'A', type_id: 0 } },
      ...after.map(([name]) => special(name)),
    ],
    pair: [],
    special_tokens: Object.fromEntries(
      [...before, ...after].map(([name, id]) => [name, { id: name, ids: [id], tokens: [name] }]),
    ),
  };
}

/** Bytes, between <s> and </s>, and three holes, as CodeT5 has them. */
function holedBytes(): unknown {
  const base = byteTokenizer() as { added_tokens: unknown[] };
  return {
    ...base,
    added_tokens: [...base.added_tokens, ...HOLES.map((name, i) => added(259 + i, name))],
    post_processor: template([['<s>', 256]], [['</s>', 257]]),
  };
}

/** Pieces of words: letters, digits, marks, and some words that begin with a blank. */
function pieces(form: Seq2SeqForm): unknown {
  const { modelType, pad, eos, holes } = form;
  const marian = modelType === 'marian';
  const list = scored(form);
  const holeTokens = (holes ? HOLES : []).map((name) =>
    added(
      list.findIndex(([piece]) => piece === name),
      name,
    ),
  );
  return {
    added_tokens: [added(pad, '<pad>'), added(eos, '</s>'), added(marian ? 1 : 2, '<unk>'), ...holeTokens],
    normalizer: null,
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', add_prefix_space: true, prepend_scheme: 'always' },
    post_processor: template([], [['</s>', eos]]),
    decoder: { type: 'Metaspace', replacement: '▁', add_prefix_space: true, prepend_scheme: 'always' },
    model: { type: 'Unigram', unk_id: marian ? 1 : 2, vocab: list },
  };
}

/** The pieces by id, of a model that has them. */
export function piecesOf(form: Seq2SeqForm): string[] {
  return scored(form).map(([piece]) => piece);
}

/** The pieces by id, with their scores. */
function scored({ modelType, shape: { vocab }, holes }: Seq2SeqForm): [string, number][] {
  const marian = modelType === 'marian';
  const characters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;=+-*/()[]{}<>_"\'!?éü中文'];
  const words = ['▁the', '▁a', '▁of', '▁return', '▁def', '▁to', 'ing', 'er', 'in', 'translate', '▁English', '▁German'];
  const first = marian ? ['</s>', '<unk>'] : ['<pad>', '</s>', '<unk>'];
  const list: [string, number][] = [...first.map((name): [string, number] => [name, 0]), ['▁', -3]];
  for (const character of characters) list.push([character, -6 - list.length / 100]);
  for (const word of words) list.push([word, -4 - list.length / 100]);
  const holeNames = holes ? HOLES : [];
  const last = marian ? ['>>deu<<', '<pad>'] : [];
  while (list.length < vocab - holeNames.length - last.length) list.push([`▁word${list.length}`, -9]);
  for (const name of [...holeNames, ...last]) list.push([name, 0]);
  return list;
}
