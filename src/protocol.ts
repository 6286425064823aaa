// Every message between the extension host and the engine process; those to and from the webview are in webviewProtocol.ts.
// Types only. Sent with structured clone, so typed arrays arrive as typed arrays.

import type { ChatMessage, CountedMessage, CountMessage } from './chatProtocol';
import type { Cut } from './completion/cut';
import type { GrewMessage, InspectedMessage, InspectMessage, KeepMessage, WatchMessage } from './inspectionProtocol';
import type { Strings } from './l10n';

/** How the next token is drawn from the model's distribution; the filters apply in the order of the fields. What is optional is off where it is absent. */
export interface Sampling {
  /** Above 0. Logits of tokens that stand in the text are divided by this where positive, multiplied where negative; 1 changes nothing. */
  repetitionPenalty?: number;
  /** Logits are divided by this; 0 takes the likeliest token. */
  temperature: number;
  /** Keep the k likeliest tokens; 0 keeps all. */
  topK: number;
  /** Nucleus: keep the likeliest tokens whose probabilities sum to at least this, in (0, 1]; 1 keeps all. */
  topP: number;
  /** Keep the tokens at least this many times as probable as the likeliest, in [0, 1]; 0 keeps all. */
  minP?: number;
  /** Keep the tokens whose surprise is nearest to the entropy, until their probabilities sum to at least this, in (0, 1]; 1 keeps all. */
  typicalP?: number;
  /** Seed of the random numbers, an unsigned 32-bit integer; equal seeds give equal text. */
  seed: number;
}

/** Text of another file that may help. */
export interface ContextFile {
  path: string;
  text: string;
}

/** What to complete. */
export interface CompletionRequest {
  /** The document before the cursor. */
  prefix: string;
  /** The document after the cursor. */
  suffix: string;
  /**
   * What the model is shown of the document after the cursor, where that is not `suffix`: one that was sent before and has hardly changed
   * since, so that the cache stays valid. The stop rules and filters go by `suffix`.
   */
  shownSuffix?: string;
  /** Path of the document, for its language; relative to the workspace where it has one. */
  path?: string;
  /** Other files, least relevant first. */
  context?: ContextFile[];
  /** Most tokens to generate. */
  maxTokens: number;
  sampling: Sampling;
  /** True: the prefix alone is the prompt; nothing stops the text but `maxTokens` and the end-of-text token; no filter. */
  raw: boolean;
  /** True: a line end does not stop the text (used by Generate); the end-of-text token and `maxTokens` do. */
  unbounded?: boolean;
  /** True: the text may grow longer than what the model holds; what lies in the middle is then forgotten (engine/sliding.ts). */
  endless?: boolean;
  /**
   * In [0, 1). The text ends before the first token with which the probability of the whole would fall below this, and is cut where it is
   * expected to save most keys (see completion/worth.ts). 0, the default: neither.
   */
  minProbability?: number;
  /** False: the workspace memory has no say. */
  memory?: boolean;
  /** What an encoder–decoder model reads; absent: the text around the cursor, with a hole there. Others take no notice of it. */
  source?: string;
}

/** Why a text ended: a stop rule, `minProbability`, the end-of-text token, `maxTokens`, or somebody who no longer wants it. */
export type Finish = 'stop' | 'unsure' | 'eos' | 'length' | 'cancelled';

export interface CompletionStats {
  /** Tokens of the prompt. */
  promptTokens: number;
  /** Of these, tokens whose keys and values were still in the cache. */
  reusedTokens: number;
  generatedTokens: number;
  /** Tokens that were guessed and run to be checked; of these, those that were right and taken. */
  draftedTokens: number;
  acceptedTokens: number;
  /** Runs of the model, those of the prompt included. */
  runs: number;
  /** From the start of the request to the first sampled token, in milliseconds. */
  firstTokenMs: number;
  /** From the start of the request to its end, in milliseconds. */
  totalMs: number;
  device: string;
}

/** The whole of a finished completion. */
export interface Completion {
  /** The text to insert: what was generated, cut by the stop rules and filters. */
  text: string;
  /**
   * Ids of all generated tokens, without the end-of-text token. Unless the request was raw, the first of them write anew the piece of a
   * word that stands before the cursor.
   */
  tokens: number[];
  /** Natural logarithm of each token's probability under the model, before temperature and filters. */
  logprobs: number[];
  finish: Finish;
  /** In [0, 1]: how probable it is that all of `text` is what is wanted, calibrated where the model folder says how. */
  probability: number;
  /** Which of our rules ended the text, where one did. */
  cut?: Cut;
  /** Where `text` is empty although the model wrote something: what it wrote, and how probable that is. */
  withheld?: { text: string; probability: number };
  /** The server that wrote it, where it was not the model on this machine; `sure`: it told probabilities. */
  server?: { host: string; model: string; sure: boolean };
  stats: CompletionStats;
}

/** What to search for with beam search; the prefix alone is the prompt. */
export interface BeamRequest {
  prefix: string;
  /** Most tokens of a text. */
  maxTokens: number;
  /** How many texts go on at every step; at least 1. */
  beams: number;
  /** How many texts are wanted, at most `beams`. */
  nBest: number;
  /** A text's score is the sum of its log-probabilities / their number to this power: above 0 favours longer texts. */
  lengthPenalty: number;
  /** True ends the search as soon as `beams` texts have ended; false, the default, and 'never' go on while a better one may come (decoding/hypotheses.ts). */
  earlyStopping?: boolean | 'never';
}

/** A text that beam search found. */
export interface BeamText {
  text: string;
  /** Ids, without the end-of-text token. */
  tokens: number[];
  /** Natural logarithm of each token's probability under the model, and of the end-of-text token's where that ended the text. */
  logprobs: number[];
  score: number;
  finish: 'eos' | 'length';
}

/** A loaded model. */
export interface ModelInfo {
  name: string;
  /** Absolute path of the model folder. */
  dir: string;
  /** The weights in use, relative to the folder. */
  weights: string;
  /** Where it runs: cpu, webgpu, cuda, dml, coreml. */
  device: string;
  /** Set when another device was asked for: why it could not be used. */
  deviceNote?: string;
  /** How the model's graph is run, for the log: rewritten and from which form, or as it is and which node is the reason. */
  graph: string;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  vocab: number;
  /** Most tokens of prompt and completion together. */
  contextLength: number;
  /** True when the tokenizer has the fill-in-the-middle tokens. */
  fillInTheMiddle: boolean;
  /** True when the model was taught to chat: it has a chat template, and ends a text as that ends a turn, or says so in its name. */
  chat: boolean;
  /** An encoder–decoder model reads one text and writes another: it is for Generate, and suggests nothing. */
  kind: 'decoder' | 'encoder-decoder';
  loadMs: number;
}

/** What went wrong, for people: the message names the file or setting and the remedy. */
export interface EngineFault {
  code: string;
  message: string;
}

// ---------------------------------------------------------------- extension host → engine

/** Load a model folder; answered by `ready` or `failed`. Comes once, first. */
export interface LoadMessage {
  type: 'load';
  modelDir: string;
  /** cpu, webgpu, cuda, dml or coreml; auto: the fastest, as far as it is known. */
  device: string;
  /** Folder where it is remembered which device is fastest; without it, auto is the CPU. */
  stateDir?: string;
  /** What the caches of all contexts may hold together, in MB; without it there is one context. */
  cacheMemory?: number;
  /** Threads that a run is spread over; 0, the default: what suits the machine. */
  threads?: number;
  /** Folder of the workspace memory's file; without it the memory ends with the engine. */
  memoryDir?: string;
  /** The words that people read, where they do not read English. */
  strings?: Strings;
}

/** Complete; a request that still runs is cancelled. Answered by `token`s and then one `done` or `error`. */
export interface CompleteMessage {
  type: 'complete';
  id: number;
  request: CompletionRequest;
}

/**
 * Compute the prompt of a request that is likely to come, in the background. Any other request ends it. Answered by `done` with an empty
 * completion, finish `length`, or `cancelled`; or by `error`.
 */
export interface WarmMessage {
  type: 'warm';
  id: number;
  request: CompletionRequest;
}

/** Complete in the background what is likely to be asked for next: as `complete`, but any other request ends it. Answered by one `done` or `error`. */
export interface AheadMessage {
  type: 'ahead';
  id: number;
  request: CompletionRequest;
}

/** Other texts at the place of the completion with the id `of`, if that was the last to end; answered by `alternatives` or `error`. */
export interface AlternativesMessage {
  type: 'alternatives';
  id: number;
  of: number;
  /** Most texts. */
  count: number;
}

/** A file for the workspace memory. */
export interface MemoryFile {
  /** As in `CompletionRequest.path`. */
  path: string;
  /** Changes when the text does. */
  stamp: string;
  text: string;
}

/** Take files into the workspace memory, in place of what it holds under their paths, and forget others; answered by `memory` or `error`. */
export interface RememberMessage {
  type: 'remember';
  id: number;
  files: MemoryFile[];
  forget: string[];
}

/** Erase the workspace memory, on disk too; answered by `memory` or `error`. */
export interface EraseMemoryMessage {
  type: 'eraseMemory';
  id: number;
}

/** Stop request `id`; it answers `done` with finish `cancelled`. Unknown ids are ignored. */
export interface CancelMessage {
  type: 'cancel';
  id: number;
}

/** Measure a model on devices; answered by `tried`. Sent by an engine to a process of its own, in place of `load`. */
export interface TryMessage {
  type: 'try';
  modelDir: string;
  /** The ONNX file, relative to the folder. */
  weights: string;
  devices: string[];
}

export type ToEngine =
  | LoadMessage
  | CompleteMessage
  | ChatMessage
  | CountMessage
  | WarmMessage
  | AheadMessage
  | AlternativesMessage
  | RememberMessage
  | EraseMemoryMessage
  | CancelMessage
  | WatchMessage
  | KeepMessage
  | InspectMessage
  | TryMessage;

// ---------------------------------------------------------------- engine → extension host

/** The model is loaded; comes again where its device failed and it goes on with another. */
export interface ReadyMessage {
  type: 'ready';
  info: ModelInfo;
}

/** The model is about to be opened on this device; comes before the device is touched, which may end the process. */
export interface OpeningMessage {
  type: 'opening';
  device: string;
}

/** Trials of devices have ended: the best, cpu where none is better; `reason` is for the log. */
export interface TriedMessage {
  type: 'tried';
  device: string;
  reason: string;
}

/** The model could not be loaded. The process stays, idle. */
export interface FailedMessage {
  type: 'failed';
  fault: EngineFault;
}

/** One generated token. The texts of a request's tokens, joined, are a prefix of what it wants shown. */
export interface TokenMessage {
  type: 'token';
  id: number;
  token: number;
  logprob: number;
  /** Whole characters that are now certain; may be empty. */
  text: string;
}

export interface DoneMessage {
  type: 'done';
  id: number;
  completion: Completion;
}

export interface ErrorMessage {
  type: 'error';
  id: number;
  fault: EngineFault;
}

export interface AlternativesReplyMessage {
  type: 'alternatives';
  id: number;
  /** The most probable first; none equals the completion or another one. */
  completions: Completion[];
}

/** What the workspace memory holds. */
export interface MemoryState {
  /** Stamp of each file, by its path. */
  stamps: Record<string, string>;
  tokens: number;
  /** Memory held, in bytes. */
  bytes: number;
}

export interface MemoryReplyMessage {
  type: 'memory';
  id: number;
  state: MemoryState;
}

export type FromEngine =
  | ReadyMessage
  | OpeningMessage
  | TriedMessage
  | FailedMessage
  | TokenMessage
  | DoneMessage
  | ErrorMessage
  | AlternativesReplyMessage
  | MemoryReplyMessage
  | CountedMessage
  | InspectedMessage
  | GrewMessage;

/** Attention weights of one head. */
export interface AttentionMap {
  layer: number;
  head: number;
  /** Text of each token, special tokens by name; length n. */
  tokens: string[];
  /** How many of the tokens were the prompt; the rest was generated. */
  promptTokens: number;
  /** Softmax weights, [query, key] row-major, n × n; zero above the diagonal. */
  weights: Float32Array<ArrayBuffer>;
}
