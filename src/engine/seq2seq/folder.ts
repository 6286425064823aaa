// What the folder of an encoder–decoder model has besides a decoder's: two graphs or three, and how its decoder begins. Knows files and
// JSON, not ONNX.

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { t } from '../../l10n';
import { EngineError } from '../errors';

/** What only an encoder–decoder model has. */
export interface Seq2SeqFiles {
  /** Absolute path of the encoder's graph. */
  encoderPath: string;
  /** The decoder's graph for all tokens but the first, where that is a file of its own; else one graph has both branches. */
  laterPath: string | undefined;
  /** The token that the decoder begins with. */
  startId: number;
  /** The token that is written first whatever the model thinks; undefined: none. */
  firstId: number | undefined;
  /** Tokens that are never written. */
  never: number[];
}

/** Data types by what stands behind the name in a file's name, in the order of preference: small and fast first. */
const SUFFIXES = ['_quantized', '_q8', '_int8', '_uint8', '_q4', '_q4f16', '_fp16', '', '_bnb4'];
const MERGED = 'decoder_model_merged';
const FIRST = 'decoder_model';
const LATER = 'decoder_with_past_model';
const ENCODER = 'encoder_model';

/** Whether `config.json` is that of an encoder–decoder model. */
export function isEncoderDecoder(config: Record<string, unknown>): boolean {
  return config['is_encoder_decoder'] === true;
}

/**
 * The decoder's graph: that with both branches, else that for the first token; of the data types the first that has an encoder, too.
 * @param folder absolute path of the model folder
 * @throws EngineError `model_missing`, naming the file that lacks
 */
export function findDecoder(folder: string): string {
  const places = [join(folder, 'onnx'), folder];
  const found: string[] = [];
  for (const name of [MERGED, FIRST])
    for (const suffix of SUFFIXES)
      for (const place of places) {
        const path = join(place, `${name}${suffix}.onnx`);
        if (existsSync(path) && (name === MERGED || laterOf(path) !== undefined)) found.push(path);
      }
  const best = found.find((path) => sameEncoder(path) !== undefined) ?? found[0];
  if (best !== undefined) return best;
  throw new EngineError(
    'model_missing',
    t(
      'The model folder {0} has no onnx/{1}: an encoder–decoder model needs it beside onnx/{2}. Download the model again, or export it with both.',
      folder,
      `${MERGED}.onnx`,
      `${ENCODER}.onnx`,
    ),
  );
}

/**
 * What belongs to a decoder's graph.
 * @param folder absolute path of the model folder
 * @param decoderPath absolute path of the decoder's graph
 * @param vocab how many ids the model knows
 * @throws EngineError `model_missing`, `model_damaged`
 */
export function readSeq2Seq(
  folder: string,
  decoderPath: string,
  vocab: number,
  config: Record<string, unknown>,
  generation: Record<string, unknown>,
): Seq2SeqFiles {
  const encoderPath = sameEncoder(decoderPath) ?? anyEncoder(dirname(decoderPath));
  if (encoderPath === undefined)
    throw new EngineError(
      'model_missing',
      t(
        'Beside {0} there is no {1}. Restore the encoder’s file, or download the model again.',
        decoderPath,
        `${ENCODER}.onnx`,
      ),
    );
  const said = (key: string): number | undefined => {
    const id = generation[key] ?? config[key];
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0) return undefined;
    if (id < vocab) return id;
    const path = join(folder, (generation[key] ?? undefined) === undefined ? 'config.json' : 'generation_config.json');
    throw new EngineError(
      'model_damaged',
      t('{0} names the token {1} ({2}); the model has {3}. Restore the file.', path, id, key, vocab),
    );
  };
  const startId = said('decoder_start_token_id') ?? said('pad_token_id') ?? said('bos_token_id');
  if (startId === undefined)
    throw new EngineError(
      'model_damaged',
      t(
        '{0} does not say which token the decoder begins with (decoder_start_token_id). Restore the file.',
        join(folder, 'config.json'),
      ),
    );
  const bad = generation['bad_words_ids'] ?? config['bad_words_ids'];
  const never = (Array.isArray(bad) ? bad : []).flatMap((ids: unknown) =>
    Array.isArray(ids) && ids.length === 1 && Number.isInteger(ids[0]) ? [ids[0] as number] : [],
  );
  return { encoderPath, laterPath: laterOf(decoderPath), startId, firstId: said('forced_bos_token_id'), never };
}

/** The encoder of the same data type. */
function sameEncoder(decoderPath: string): string | undefined {
  const path = join(dirname(decoderPath), basename(decoderPath).replace(/^decoder_model(_merged)?/, ENCODER));
  return existsSync(path) && path !== decoderPath ? path : undefined;
}

function anyEncoder(place: string): string | undefined {
  return SUFFIXES.map((suffix) => join(place, `${ENCODER}${suffix}.onnx`)).find((path) => existsSync(path));
}

/** The graph for later tokens that belongs to one for the first. */
function laterOf(decoderPath: string): string | undefined {
  const name = basename(decoderPath);
  if (name.startsWith(MERGED) || !name.startsWith(FIRST)) return undefined;
  const path = join(dirname(decoderPath), LATER + name.slice(FIRST.length));
  return existsSync(path) ? path : undefined;
}
