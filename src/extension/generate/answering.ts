// Has a model that was taught to chat write a text for a document: asks, and takes the code out of the answer while it streams.

import { Unfencing } from '../../completion/fence';
import { Rebasing } from '../../completion/rebase';
import type { Completion, CompletionRequest, ModelInfo } from '../../protocol';
import type { EngineClient } from '../engineClient';
import { conversation, isProse, type Wish } from './chatFraming';

/** Told of the text as it grows. */
export interface Reader {
  /** Text for the document. */
  add: (text: string) => void;
  /** The model has written a token, or a few. */
  progress: () => void;
}

/** The model, when it is loaded; undefined where it cannot be, or nobody waits any more. */
export function modelOf(engine: EngineClient, signal: AbortSignal): Promise<ModelInfo | undefined> {
  return new Promise((resolve) => {
    const look = (): boolean => {
      const { state } = engine;
      if (state.kind === 'loading' && !signal.aborted) return false;
      resolve(state.kind === 'ready' || state.kind === 'asleep' ? state.info : undefined);
      return true;
    };
    if (look()) return;
    const check = (): void => {
      if (!look()) return;
      stop();
      signal.removeEventListener('abort', check);
    };
    const stop = engine.onChange(check);
    signal.addEventListener('abort', check);
  });
}

/**
 * Writes what is wished for.
 * @returns why the text ended: `stop` where its code block did
 * @throws EngineFailure when the engine reports an error, is down, or dies on the way
 */
export async function answer(
  { chat }: Pick<EngineClient, 'chat'>,
  { contextLength }: ModelInfo,
  wish: Wish,
  { maxTokens, sampling }: Pick<CompletionRequest, 'maxTokens' | 'sampling'>,
  signal: AbortSignal,
  { add, progress }: Reader,
): Promise<Pick<Completion, 'stats' | 'finish' | 'server'>> {
  const messages = await conversation(wish, { contextLength, maxTokens }, (turns) => chat.count(turns));
  const enough = new AbortController();
  const unfencing = new Unfencing(isProse(wish.language));
  const rebasing = new Rebasing(wish.linePrefix);
  const read = (code: string): void => add(rebasing.push(code.replaceAll('\r', '')));
  const request = { messages, maxTokens, sampling };
  const { stats, finish } = await chat.answer(request, AbortSignal.any([signal, enough.signal]), (text) => {
    progress();
    read(unfencing.push(text));
    if (unfencing.over) enough.abort();
  });
  const over = unfencing.over && !signal.aborted;
  if (finish !== 'cancelled') read(unfencing.end());
  return { stats, finish: over ? 'stop' : finish };
}
