// Beam search from text to texts. Knows the tokenizer and the search, not the engine that calls it.

import { t } from '../l10n';
import type { BeamRequest, BeamText } from '../protocol';
import { beamSearch } from './decoding/beamSearch';
import { EngineError } from './errors';
import type { ForwardModel } from './generate';
import type { KvCache } from './kvCache';
import { framePrompt } from './prompt';
import { TextStream } from './textStream';
import type { Tokenizer } from './tokenizer';

/** What `beams` needs of an engine. */
export interface BeamParts {
  model: ForwardModel;
  tokenizer: Tokenizer;
  /** The cache to run a prompt in. */
  cacheFor: (prompt: readonly number[]) => KvCache;
  /** Most tokens of prompt and text together. */
  contextLength: number;
}

/**
 * The best texts that follow a prompt as it stands, best first.
 * @returns undefined when it was cancelled
 * @throws EngineError `bad_request`, `prompt_too_long`, `nan_logits`, `inference_failed`
 */
export async function beams(
  { model, tokenizer, cacheFor, contextLength }: BeamParts,
  request: BeamRequest,
  signal: AbortSignal,
): Promise<BeamText[] | undefined> {
  const { prefix, maxTokens, nBest } = request;
  if (nBest > request.beams)
    throw new EngineError(
      'bad_request',
      t('{0} beams find no more than as many texts: ask for {1} beams.', request.beams, nBest),
    );
  const sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };
  const { ids: prompt } = framePrompt(tokenizer, { prefix, suffix: '', maxTokens, sampling, raw: true }, contextLength);
  const found = await beamSearch(model, cacheFor(prompt), { ...request, prompt, eosIds: tokenizer.eosIds, signal });
  return found?.map(({ ids, logprobs, score, finish }) => {
    const stream = new TextStream((some) => tokenizer.decode(some), prompt.slice(-4));
    const text = ids.map((id) => stream.push(id)).join('') + stream.end();
    return { text, tokens: ids, logprobs, score, finish };
  });
}
