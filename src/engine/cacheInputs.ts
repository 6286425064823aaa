// The inputs of a graph that is run as it is through which it gets its cache: how they lie, and what each is called on its way out.
// Exporters of different families and ages lay keys and values out differently; the tokens are always along one axis, which the graph
// leaves open:
//
//   key, value    [batch, kvHead, position, headDim]                                 nearly all
//   key           [batch, kvHead, headDim, position]                                 keys turned for their product
//   key, value    [batch · head, headDim, position], [batch · head, position, headDim]   BLOOM before transformers 4.44
//   key_value     [batch, position, 2 · headDim]                                     GPT-BigCode with one key head for all queries
//   key_value     [batch, head, position, 2 · headDim]                               GPT-BigCode with as many as queries

import { t } from '../l10n';
import { EngineError } from './errors';
import type { ModelFolder } from './modelFolder';
import { Tensor, type Session, type TensorMap } from './session';

/** Matches the cache inputs of the Hugging Face layout. */
const PAST = /^past_key_values\.(\d+)\.(key|value|key_value)$/;
/** What exporters call the size of the positions. */
const POSITIONS = /past|seq|length/i;

/** A cache input of an untouched graph. */
export interface CacheInput {
  name: string;
  /** The output that holds the same array, longer by the new tokens. */
  present: string;
  type: 'float32' | 'float16';
  /** Its sizes; 0 for the positions. */
  dims: readonly number[];
  /** Which of them is that of the positions. */
  axis: number;
}

type Kind = 'key' | 'value' | 'key_value';
type Shape = readonly (number | string)[];

/** Whether an input belongs to the cache. */
export function isCacheInput(name: string): boolean {
  return PAST.test(name);
}

/** Whether the positions are where most exporters have them: [batch, kvHead, position, headDim]. */
export function liesAsUsual({ dims, axis }: CacheInput): boolean {
  return dims.length === 4 && axis === 2;
}

/** Tensors for a cache without a position, by input name. */
export function emptyPasts(pasts: readonly CacheInput[]): TensorMap {
  return Object.fromEntries(
    pasts.map(({ name, type, dims }) => [
      name,
      new Tensor(type, type === 'float16' ? new Uint16Array(0) : new Float32Array(0), [...dims]),
    ]),
  );
}

/**
 * The cache inputs of a session.
 * @throws EngineError `model_unsupported`, naming the file and what was expected
 */
export function cacheInputs(session: Session, folder: ModelFolder): CacheInput[] {
  const { config, weightsPath } = folder;
  const pasts: CacheInput[] = [];
  let joined = false;
  for (const input of session.inputMetadata) {
    const kind = PAST.exec(input.name)?.[2] as Kind | undefined;
    if (kind === undefined) continue;
    joined ||= kind === 'key_value';
    if (!input.isTensor || (input.type !== 'float32' && input.type !== 'float16'))
      throw noDecoder(t('{0} has a cache input "{1}" that is neither float32 nor float16.', weightsPath, input.name));
    const present = input.name.replace('past_key_values', 'present');
    if (!session.outputNames.includes(present))
      throw noDecoder(t('{0} has no output "{1}" for its input "{2}".', weightsPath, present, input.name));
    pasts.push({ name: input.name, present, type: input.type, ...layoutOf(input.name, kind, input.shape, folder) });
  }
  const needed = (joined ? 1 : 2) * config.layers;
  if (pasts.length !== needed)
    throw noDecoder(
      t(
        "{0} has {1} cache inputs where config.json's {2} layers need {3}.",
        weightsPath,
        pasts.length,
        config.layers,
        needed,
      ),
    );
  return pasts;
}

/** A graph that is none of ours to run. */
export function noDecoder(what: string): EngineError {
  return new EngineError(
    'model_unsupported',
    t(
      '{0} Export the model as a decoder with a cache (inputs input_ids, attention_mask, past_key_values.*; outputs logits, present.*).',
      what,
    ),
  );
}

/** How an input lies: its sizes where the graph says them, else those of config.json. @throws EngineError `model_unsupported` */
function layoutOf(
  name: string,
  kind: Kind,
  shape: Shape,
  { config, weightsPath }: ModelFolder,
): Pick<CacheInput, 'dims' | 'axis'> {
  const axis = positionAxis(kind, shape);
  if (axis === undefined)
    throw noDecoder(
      t(
        '{0} has a cache input "{1}" of the shape [{2}] where [batch, {3}, position, {4}] was expected, with as many positions as there are tokens.',
        weightsPath,
        name,
        shape.join(', '),
        config.kvHeads,
        config.headDim,
      ),
    );
  // The first axis is the batch, or the batch's heads one after another; a cache of three axes that holds both has no axis for heads.
  const headsAxis = shape.length === 4 ? 1 : kind === 'key_value' ? undefined : 0;
  const width = kind === 'key_value' ? 2 * config.headDim : config.headDim;
  const dims = shape.map((inGraph, i) => {
    if (i === axis) return 0;
    if (i === 0 && headsAxis !== 0) return 1;
    const wanted = i === headsAxis ? config.kvHeads : width;
    if (typeof inGraph === 'number' && inGraph > 0 && inGraph !== wanted)
      throw noDecoder(
        i === headsAxis
          ? t('{0} has {1} key heads in "{2}" where config.json says {3}.', weightsPath, inGraph, name, wanted)
          : t('{0} has {1} numbers a head in "{2}" where config.json says {3}.', weightsPath, inGraph, name, wanted),
      );
    return wanted;
  });
  return { dims, axis };
}

/** The axis of the positions; undefined where there is none that grows. */
function positionAxis(kind: Kind, shape: Shape): number | undefined {
  const usual = shape.length === 4 ? 2 : shape.length !== 3 ? undefined : kind === 'key' ? 2 : 1;
  if (usual === undefined) return undefined;
  const last = [shape.length - 2, shape.length - 1]; // it is one of these
  const open = last.filter((i) => !(typeof shape[i] === 'number' && shape[i] > 0));
  const named = open.filter((i) => typeof shape[i] === 'string' && POSITIONS.test(shape[i]));
  if (named.length === 1) return named[0];
  return open.includes(usual) ? usual : open[0];
}
