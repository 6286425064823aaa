// What each kind of server is asked, and how its answers read. The shapes are those of the servers' own documentation: llama.cpp's
// tools/server/README.md, Ollama's docs/api.md, vLLM's and OpenAI's completions, TGI's generate_stream.

import { GLASSBOX } from '../completion/fimDialects';
import type { ContextFile, Sampling } from '../protocol';
import { endsOf, frame, type Family } from './families';
import { fieldsOf, listOf, numberOf, textOf, type Fields } from './fields';
import type { Framing } from './sse';

export type Kind = 'llama.cpp' | 'vLLM' | 'Ollama' | 'TGI' | 'OpenAI';

/** How a hole is told: the server's own parameter for the suffix, the tokens of the model's family, or not at all. */
export type Way = 'own' | 'tokens' | 'prefix';

/** What is wanted of a server. */
export interface Wish {
  model: string;
  prefix: string;
  suffix: string;
  path: string | undefined;
  context: readonly ContextFile[];
  maxTokens: number;
  sampling: Sampling;
  family: Family | undefined;
}

/** A request as it goes out. */
export interface Call {
  path: string;
  body: Fields;
}

/** A piece of an answer. */
export interface Piece {
  text: string;
  /** Natural logarithm of the probability of all tokens of the piece, before sampling; undefined where the server does not say. */
  logprob?: number | undefined;
  tokens: number;
  finish?: 'eos' | 'length';
  /** Of the prompt, where the server says. */
  promptTokens?: number | undefined;
  reusedTokens?: number | undefined;
  /** An error in the middle of an answer. */
  error?: string;
}

export interface Dialect {
  framing: Framing;
  /** In the order in which they are tried: a server may refuse one for the model that it has. */
  ways: (wish: Wish) => Way[];
  call: (wish: Wish, way: Way) => Call;
  read: (message: Fields) => Piece;
}

/** The prompt of a way that the server knows nothing of. */
function promptOf(wish: Wish, way: Way): string {
  if (way === 'tokens' && wish.family !== undefined) return frame(wish.family, wish);
  return wish.prefix;
}

/** The ways of a server, the first for preference; a hole without a suffix is none. */
function ways(own: boolean): Dialect['ways'] {
  return ({ suffix, family }) => {
    if (suffix.trim() === '') return family?.file === undefined ? ['prefix'] : ['tokens'];
    // No server's own parameter writes the prefix behind the token for the middle.
    const inside = family === GLASSBOX;
    const all: Way[] = inside || !own ? [] : ['own'];
    return [...all, ...(family === undefined ? [] : ['tokens' as const]), 'prefix'];
  };
}

const stops = ({ family }: Wish, way: Way): string[] =>
  way === 'tokens' && family !== undefined ? endsOf(family) : [];

/** Parameters of vLLM and OpenAI; others know them under other names. */
function openAi(wish: Wish, way: Way, more: Fields, mostStops: number): Call {
  const { model, maxTokens, sampling } = wish;
  const stop = stops(wish, way).slice(0, mostStops);
  return {
    path: '/v1/completions',
    body: {
      model,
      prompt: promptOf(wish, way),
      ...(way === 'own' ? { suffix: wish.suffix } : {}),
      max_tokens: maxTokens,
      temperature: sampling.temperature,
      top_p: sampling.topP,
      seed: sampling.seed,
      logprobs: 1,
      stream: true,
      ...(stop.length === 0 ? {} : { stop }),
      ...more,
    },
  };
}

/** A choice of OpenAI's completions; log-probabilities in the form of completions or, as llama.cpp has it, in that of chats. */
function readOpenAi(message: Fields): Piece {
  const choice = fieldsOf(listOf(message['choices'])[0]);
  const logprobs = fieldsOf(choice['logprobs']);
  const each = [
    ...listOf(logprobs['token_logprobs']),
    ...listOf(logprobs['content']).map((token) => fieldsOf(token)['logprob']),
  ];
  const usage = fieldsOf(message['usage']);
  const reason = choice['finish_reason'];
  return {
    text: textOf(choice['text']),
    ...sum(each),
    ...(typeof reason === 'string' ? { finish: reason === 'length' ? 'length' : 'eos' } : {}),
    promptTokens: numberOf(usage['prompt_tokens']),
    reusedTokens: numberOf(fieldsOf(usage['prompt_tokens_details'])['cached_tokens']),
    ...errorIn(message),
  };
}

/** The logarithm of a product, where every factor is told. */
function sum(logprobs: readonly unknown[]): Pick<Piece, 'logprob' | 'tokens'> {
  const numbers = logprobs.filter((each) => typeof each === 'number');
  if (numbers.length === 0 || numbers.length < logprobs.length) return { logprob: undefined, tokens: 1 };
  return { logprob: numbers.reduce((total, each) => total + Math.min(each, 0), 0), tokens: numbers.length };
}

function errorIn(message: Fields): { error?: string } {
  const { error } = message;
  if (error === undefined || error === null) return {};
  const said = typeof error === 'string' ? error : fieldsOf(error)['message'];
  return { error: typeof said === 'string' ? said : JSON.stringify(error) };
}

export const DIALECTS: Record<Kind, Dialect> = {
  'llama.cpp': {
    framing: 'events',
    ways: ways(true),
    call: (wish, way) => {
      const { prefix, suffix, context, maxTokens, sampling, model } = wish;
      const stop = stops(wish, way);
      const text: Fields =
        way === 'own'
          ? {
              input_prefix: prefix,
              input_suffix: suffix,
              input_extra: context.map(({ path, text }) => ({ filename: path, text })),
            }
          : { prompt: promptOf(wish, way) };
      return {
        path: way === 'own' ? '/infill' : '/completion',
        body: {
          ...text,
          model,
          n_predict: maxTokens,
          temperature: sampling.temperature,
          top_k: sampling.topK,
          top_p: sampling.topP,
          min_p: sampling.minP ?? 0,
          typical_p: sampling.typicalP ?? 1,
          repeat_penalty: sampling.repetitionPenalty ?? 1,
          seed: sampling.seed,
          n_probs: 1,
          cache_prompt: true,
          stream: true,
          ...(stop.length === 0 ? {} : { stop }),
        },
      };
    },
    read: (message) => {
      const evaluated = numberOf(message['tokens_evaluated']);
      return {
        text: textOf(message['content']),
        ...sum(listOf(message['completion_probabilities']).map((token) => fieldsOf(token)['logprob'])),
        ...(message['stop'] === true
          ? { finish: message['stop_type'] === 'limit' || message['truncated'] === true ? 'length' : 'eos' }
          : {}),
        promptTokens: evaluated,
        reusedTokens: numberOf(fieldsOf(message['timings'])['cache_n']),
        ...errorIn(message),
      };
    },
  },
  vLLM: {
    framing: 'events',
    ways: ways(false), // it refuses a suffix
    call: (wish, way) => {
      const { topK, minP = 0, repetitionPenalty = 1 } = wish.sampling;
      const more = { top_k: topK === 0 ? -1 : topK, min_p: minP, repetition_penalty: repetitionPenalty };
      return openAi(wish, way, more, Infinity);
    },
    read: readOpenAi,
  },
  Ollama: {
    framing: 'lines',
    ways: ways(true),
    call: (wish, way) => {
      const { model, maxTokens, sampling, suffix } = wish;
      const stop = stops(wish, way);
      return {
        path: '/api/generate',
        body: {
          model,
          prompt: promptOf(wish, way),
          // Without `raw` the model's template makes a chat of the prompt; with it the template cannot place a suffix.
          ...(way === 'own' ? { suffix } : { raw: true }),
          stream: true,
          logprobs: true,
          options: {
            num_predict: maxTokens,
            temperature: sampling.temperature,
            top_k: sampling.topK,
            top_p: sampling.topP,
            min_p: sampling.minP ?? 0,
            typical_p: sampling.typicalP ?? 1,
            repeat_penalty: sampling.repetitionPenalty ?? 1,
            seed: sampling.seed,
            ...(stop.length === 0 ? {} : { stop }),
          },
        },
      };
    },
    read: (message) => ({
      text: textOf(message['response']),
      ...sum(listOf(message['logprobs']).map((token) => fieldsOf(token)['logprob'])),
      ...(message['done'] === true ? { finish: message['done_reason'] === 'length' ? 'length' : 'eos' } : {}),
      promptTokens: numberOf(message['prompt_eval_count']),
      ...errorIn(message),
    }),
  },
  TGI: {
    framing: 'events',
    ways: ways(false),
    call: (wish, way) => {
      const { maxTokens, sampling } = wish;
      const { temperature, topK, topP, typicalP = 1, repetitionPenalty = 1, seed } = sampling;
      const stop = stops(wish, way);
      // It refuses what its checks call out of range, where other servers take it for "off".
      const draws = temperature === 0 ? { do_sample: false } : { do_sample: true, temperature };
      return {
        path: '/generate_stream',
        body: {
          inputs: promptOf(wish, way),
          parameters: {
            max_new_tokens: maxTokens,
            ...draws,
            ...(topK > 0 ? { top_k: topK } : {}),
            ...(topP < 1 ? { top_p: topP } : {}),
            ...(typicalP < 1 ? { typical_p: typicalP } : {}),
            ...(repetitionPenalty === 1 ? {} : { repetition_penalty: repetitionPenalty }),
            seed,
            return_full_text: false,
            ...(stop.length === 0 ? {} : { stop }),
          },
        },
      };
    },
    read: (message) => {
      const token = fieldsOf(message['token']);
      const details = fieldsOf(message['details']);
      const over = typeof message['generated_text'] === 'string';
      return {
        text: token['special'] === true ? '' : textOf(token['text']),
        ...sum(token['logprob'] === undefined ? [] : [token['logprob']]),
        ...(over ? { finish: details['finish_reason'] === 'length' ? 'length' : 'eos' } : {}),
        promptTokens: numberOf(details['input_length']),
        ...errorIn(message),
      };
    },
  },
  OpenAI: {
    framing: 'events',
    ways: ways(true),
    call: (wish, way) => openAi(wish, way, {}, 4), // it takes no more
    read: readOpenAi,
  },
};
