// Writes one text: from a prompt and a cache, token by token, to a completion. Knows nothing of who asked, and of no other text.

import { situationAt } from '../completion/stop';
import type { Completion, CompletionRequest, Finish } from '../protocol';
import { calibrated } from './calibration';
import type { CopyText } from './copying';
import type { Drafts } from './drafts';
import { generate, type ForwardModel, type GenerateOptions } from './generate';
import type { KvCache } from './kvCache';
import type { ModelFolder } from './modelFolder';
import { mostTokens, type Prompt } from './prompt';
import type { Sampled } from './sampler';
import { Output } from '../completion/output';
import { TextStream } from './textStream';
import type { Tokenizer } from './tokenizer';

/** What texts are written with. */
export interface Writer {
  model: ForwardModel & { readonly folder: ModelFolder; readonly device: string };
  tokenizer: Tokenizer;
}

/** One text to write. */
export interface Task extends Pick<GenerateOptions, 'begun' | 'branching' | 'signal'> {
  request: CompletionRequest;
  prompt: Prompt;
  cache: KvCache;
  copying: CopyText | undefined;
  drafts: Drafts | undefined;
  /** The ids that end the text; by default those of the tokenizer. */
  ends?: ReadonlySet<number>;
  /** When the request came, as `performance.now()` has it. */
  start: number;
  /** Told of each token, with the text that is now certain, and all that is written. */
  onToken?: (token: Sampled, text: string, written: string) => void;
}

export interface Written {
  completion: Completion;
  /** All tokens that were drawn: those of the completion, and the one that was too improbable. */
  steps: Sampled[];
  /** How many of these the text that is shown reaches into. */
  shownSteps: number;
}

/**
 * Writes a text until a rule, the model or the signal ends it. Of `begun`, all but the last are settled: the text is not cut before that one.
 * @throws EngineError `inference_failed`, `nan_logits`
 */
export async function write({ model, tokenizer }: Writer, task: Task): Promise<Written> {
  const { request, prompt, cache, copying, drafts, start, signal, onToken, begun = [], branching, ends } = task;
  const { contextLength } = model.folder.config;
  const { raw, endless = false } = request;
  const bounded = !raw && request.unbounded !== true;
  const output = new Output(
    bounded ? situationAt(request.prefix, request.suffix, request.path) : undefined,
    request,
    prompt.typed?.characters ?? 0,
    (logProbability, tokens) => calibrated(raw ? undefined : model.folder.calibration, logProbability, tokens),
  );
  const counts = { runs: 0, drafted: 0, accepted: 0 };
  const stream = new TextStream((ids) => tokenizer.decode(ids), prompt.ids.slice(-4));
  const steps: Sampled[] = [];
  let [tokens, logProbability, reusedTokens, firstTokenMs] = [0, 0, 0, 0];
  let finish: Finish | undefined;

  const drawn = generate(model, cache, {
    prompt: prompt.ids,
    begun,
    ...(branching === undefined ? {} : { branching }),
    ...(prompt.typed === undefined ? {} : { typed: prompt.typed }),
    ...(copying === undefined ? {} : { copying }),
    ...(drafts === undefined ? {} : { drafts }),
    counts,
    // Who asks for a suggestion does not want the empty one.
    minTokens: raw ? 0 : 1,
    maxTokens: endless ? request.maxTokens : mostTokens(request, contextLength),
    ...(endless ? { window: contextLength } : {}),
    sampling: request.sampling,
    eosIds: ends ?? (raw ? tokenizer.eosIds : endings(tokenizer)),
    signal,
    onReuse: (reused) => (reusedTokens = Math.min(reused, prompt.ids.length)),
  });
  while (finish === undefined) {
    const step = await drawn.next();
    firstTokenMs ||= performance.now() - start; // the end-of-text token counts as sampled, too
    if (step.done === true) {
      finish = step.value;
      break;
    }
    const token = step.value;
    steps.push(token);
    logProbability += token.conditional;
    if (output.isDoubtful(logProbability)) {
      finish = 'unsure';
      break;
    }
    tokens++;
    const text = output.push(stream.push(token.id), logProbability, tokens < begun.length);
    onToken?.(token, text, output.written);
    if (output.stopped) finish = 'stop';
  }
  await drawn.return('cancelled'); // it learns that no more is wanted
  const refused = steps[tokens];
  if (refused !== undefined) output.refuse(stream.push(refused.id), logProbability);
  output.end(finish, refused !== undefined || finish === 'cancelled' ? '' : stream.end());
  const stats = {
    promptTokens: prompt.ids.length,
    reusedTokens,
    generatedTokens: tokens,
    draftedTokens: counts.drafted,
    acceptedTokens: counts.accepted,
    runs: counts.runs,
    firstTokenMs,
    totalMs: performance.now() - start,
    device: model.device,
  };
  const { text, probability, cut, withheld } = output;
  const completion: Completion = {
    text,
    tokens: steps.slice(0, tokens).map(({ id }) => id),
    logprobs: steps.slice(0, tokens).map(({ logprob }) => logprob),
    finish,
    probability,
    ...(cut === undefined ? {} : { cut }),
    ...(withheld === undefined ? {} : { withheld }),
    stats,
  };
  return { completion, steps, shownSteps: output.tokens };
}

/** The completion of a request that was cancelled before it began. */
export function nothing(device: string): Completion {
  const none = { promptTokens: 0, reusedTokens: 0, generatedTokens: 0, draftedTokens: 0, acceptedTokens: 0, runs: 0 };
  const stats = { ...none, firstTokenMs: 0, totalMs: 0, device };
  return { text: '', tokens: [], logprobs: [], finish: 'cancelled', probability: 1, stats };
}

/** What ends a suggestion: the end-of-text token and any other that stands for no text, such as the frame's or the next file's. */
export function endings(tokenizer: Tokenizer): ReadonlySet<number> {
  return new Set([...tokenizer.eosIds, ...tokenizer.specialIds]);
}
