// What becomes of a token's log-probability when something is taken away: one run of the token before it for each thing, on keys and values
// that are there. Only the last query is done without it; what earlier tokens took from it stays.

import { t } from '../../l10n';
import type { AskEffects, EffectsAnswer } from '../../inspectionProtocol';
import { EngineError } from '../errors';
import type { RowCache } from '../rowCache';
import { logSumExp } from '../sampler';
import type { Lens, Without } from './lens';
import type { Sequence } from './sequences';

/**
 * @param rest is awaited after each run
 * @param cache holds the sequence up to `position` − 1 at least; it is left as it was
 * @throws EngineError `bad_request` for a position or a span that is not there, `model_unsupported`, `inference_failed`
 */
export async function effectsAt(
  lens: Lens,
  cache: RowCache,
  { id, ids }: Sequence,
  { position, heads, spans, from = 0, within = Infinity }: AskEffects,
  rest: (spentMs: number) => Promise<void>,
): Promise<EffectsAnswer> {
  const token = ids[position];
  if (!Number.isInteger(position) || position < 1 || token === undefined)
    throw new EngineError(
      'bad_request',
      t('Nothing was predicted at {0}: positions 1 to {1} can be asked.', position, ids.length - 1),
    );
  if (spans.some(([start, end]) => end > position - 1 || start >= end))
    throw new EngineError('bad_request', t('A span must lie before position {0} and hold a token.', position - 1));
  const own = cache.branchAt(position - 1);
  const last = ids[position - 1] as number;
  const logprob = async (without: Without): Promise<number> => {
    const start = performance.now();
    const logits = await lens.logits(last, own, without);
    await rest(performance.now() - start);
    let largest = -Infinity;
    for (const logit of logits) if (logit > largest) largest = logit;
    return (logits[token] as number) - logSumExp(logits, largest);
  };
  try {
    const { layers, heads: perLayer } = lens.graph;
    const without: Without[] = spans.map((span) => ({ span }));
    for (let i = 0; heads && i < layers.length * perLayer; i++)
      without.push({ head: { layer: Math.floor(i / perLayer), head: i % perLayer } });
    const start = performance.now();
    const whole = await logprob({});
    const effects: number[] = [];
    for (const each of without.slice(from)) {
      effects.push(whole - (await logprob(each)));
      if (performance.now() - start >= within) break;
    }
    const ofSpans = Math.max(0, spans.length - from);
    return {
      answer: 'effects',
      sequence: id,
      position,
      logprob: whole,
      from,
      of: without.length,
      spans: Float32Array.from(effects.slice(0, ofSpans)),
      heads: Float32Array.from(effects.slice(ofSpans)),
    };
  } finally {
    own.dispose();
  }
}
