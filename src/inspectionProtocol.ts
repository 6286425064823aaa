// What can be asked about the inside of a completion, and the answers. Types only; they cross both process lines: the panel asks, the
// extension host passes on (webviewProtocol.ts), the engine answers (protocol.ts, `inspect`). Structured clone: typed arrays stay typed
// arrays, each in a buffer of its own, because a webview is sent a view's whole buffer.
//
// Vocabulary: `sequence` = the ids of prompt and completion, positions 0 … n − 1. Query `q` is the position that looks, key `k ≤ q` the one
// that is looked at. The token at position p was predicted at query p − 1.
//
// Weights travel as w = round(65535 · √p) in a Uint16: p = (w / 65535)², wrong by at most 1.6e-5. Lower triangles are row after row
// without the part above the diagonal: row q starts at q(q+1)/2 and has q+1 entries.

/** Names one sequence: the id of its request, or 'last': that of the last completion, while it is written, too. */
export type SequenceName = number | 'last';

/** Where the text of a token stands. Offsets are UTF-16 units. */
export type TokenPlace =
  /** In the document: [start, end) relative to the cursor, negative before it. */
  | { in: 'document'; start: number; end: number }
  /** In the text of `CompletionRequest.context[file]`. */
  | { in: 'file'; file: number; start: number; end: number }
  /** Put there by the frame: fill-in-the-middle tokens, paths, separators. */
  | { in: 'frame' }
  /** Written by the model: [start, end) in the text that was generated, from the cursor on; `start` may be negative where it wrote the piece before the cursor anew. */
  | { in: 'generated'; start: number; end: number };

export interface TokenFacts {
  id: number;
  /** The token's own text; special tokens by name; bytes that are no character as U+FFFD. */
  text: string;
  special: boolean;
  place: TokenPlace;
  /** Natural logarithm of the probability under the model; of generated tokens only. */
  logprob?: number;
}

// ---------------------------------------------------------------- questions

/** The tokens from position `from` on, and what is known of the sequence. */
export interface AskText {
  ask: 'text';
  from: number;
}

/** Thumbnails and figures of all heads. */
export interface AskOverview {
  ask: 'overview';
  /** Edge of a thumbnail in pixels, 8 to 64. */
  side: number;
}

/** One head's weights of the queries [from, n). */
export interface AskHead {
  ask: 'head';
  layer: number;
  head: number;
  from: number;
}

/** Where one query looks, in every head. */
export interface AskRow {
  ask: 'row';
  query: number;
}

/** Mean over heads and layers of what the generated tokens, from the one at position `from` on, drew from each key. */
export interface AskDrawn {
  ask: 'drawn';
  from: number;
}

/** Attention rollout of one query (Abnar and Zuidema 2020). */
export interface AskRollout {
  ask: 'rollout';
  query: number;
}

/** The exact logits for the token at a position. */
export interface AskLogits {
  ask: 'logits';
  position: number;
}

/** What becomes of the log-probability of the token at a position without each head, and without spans of the text. */
export interface AskEffects {
  ask: 'effects';
  position: number;
  /** Every head is taken out in turn. */
  heads: boolean;
  /** Spans [start, end) of positions below `position`: each is hidden from the last query in turn. */
  spans: [start: number, end: number][];
  /** So many of them are known already: the spans in their order, then the heads by layer. Default 0. */
  from?: number;
  /** Most time for it, in milliseconds; one at least is measured. By default all are. */
  within?: number;
}

/** The numbers of one head for one query and one key, step by step. */
export interface AskLesson {
  ask: 'lesson';
  layer: number;
  head: number;
  query: number;
  key: number;
}

export type Question =
  AskText | AskOverview | AskHead | AskRow | AskDrawn | AskRollout | AskLogits | AskEffects | AskLesson;

// ---------------------------------------------------------------- answers

export interface TextAnswer {
  answer: 'text';
  /** The id of the request that made the sequence. */
  sequence: number;
  from: number;
  tokens: TokenFacts[];
  /** Positions below this are the prompt. */
  promptTokens: number;
  /** False while it is being written. */
  finished: boolean;
  /** Paths of the context files, by index. */
  files: string[];
  /** What the document was: its path as the model knows it. */
  path?: string;
  shape: {
    layers: number;
    heads: number;
    kvHeads: number;
    headDim: number;
    vocab: number;
    /** By layer: keys that a query can see, itself included; 0: all. */
    windows: number[];
  };
  /** Which kernel gave the weights, for the honesty line: the decoder's own softmax, or a copy of the graph with the weights as outputs. */
  kernel: 'own' | 'copy';
  /** Data type of the weights file's matrices, such as int8; and of the softmax, where it is known. */
  precision: { matrices: string; softmax?: string };
  model: string;
  /** Whether `effects` of heads and `lesson` can be asked; else the reason in words. */
  limits: { effects?: string; lesson?: string };
}

/** Figures of all heads, [layer, head] each. Means are over the queries q ≥ 1. */
export interface HeadFigures {
  /** Mean entropy of a row divided by ln(q + 1), in [0, 1]. */
  entropy: Float32Array<ArrayBuffer>;
  /** Mean weight on position 0. */
  sink: Float32Array<ArrayBuffer>;
  /** Mean of Σ p · (q − k), in tokens. */
  distance: Float32Array<ArrayBuffer>;
  /** Mean weight on the query itself. */
  self: Float32Array<ArrayBuffer>;
  /** [layer, head, class]: the score of each class of `HEAD_CLASSES` (src/attention/headClasses.ts), in [0, 1]. */
  classes: Float32Array<ArrayBuffer>;
}

export interface OverviewAnswer {
  answer: 'overview';
  sequence: number;
  n: number;
  side: number;
  /** [layer, head, side, side]: the largest √p of each tile, 0 to 255; rows are queries. */
  thumbnails: Uint8Array<ArrayBuffer>;
  figures: HeadFigures;
}

export interface HeadAnswer {
  answer: 'head';
  sequence: number;
  layer: number;
  head: number;
  from: number;
  n: number;
  /** Rows from … n − 1 of the lower triangle. */
  weights: Uint16Array<ArrayBuffer>;
  /** [n]: Euclidean norm of the value that the head mixes in from each key; for value-weighted maps. */
  valueNorms: Float32Array<ArrayBuffer>;
}

export interface RowAnswer {
  answer: 'row';
  sequence: number;
  query: number;
  /** [layer, head, query + 1] */
  weights: Uint16Array<ArrayBuffer>;
}

export interface DrawnAnswer {
  answer: 'drawn';
  sequence: number;
  from: number;
  n: number;
  /** For each position p of from … n − 1, at the query p − 1 that predicted it: p entries, the mean over layers and heads of the weight on each key. */
  weights: Float32Array<ArrayBuffer>;
}

export interface RolloutAnswer {
  answer: 'rollout';
  sequence: number;
  query: number;
  /** [query + 1], sums to 1. */
  weights: Float32Array<ArrayBuffer>;
  /** [query + 1]: the same of uniform attention, whose bias towards early tokens it shares; divide by it to compare. */
  uniform: Float32Array<ArrayBuffer>;
}

export interface LogitsAnswer {
  answer: 'logits';
  sequence: number;
  position: number;
  /** The id that stands there; undefined at the end of the sequence. */
  taken?: number;
  /** [vocab] */
  logits: Float32Array<ArrayBuffer>;
  /** Texts of the likeliest tokens, by falling logit; at most 200, and of `taken`. */
  texts: [id: number, text: string][];
}

export interface EffectsAnswer {
  answer: 'effects';
  sequence: number;
  position: number;
  /** Log-probability of the token with everything in place. */
  logprob: number;
  /** So many had been known before, of so many. */
  from: number;
  of: number;
  /** [layer, head], of the heads that were measured: log-probability with everything in place − without the head at the last query; above 0: it helped. */
  heads: Float32Array<ArrayBuffer>;
  /** The same for each span that was measured. */
  spans: Float32Array<ArrayBuffer>;
}

export interface LessonAnswer {
  answer: 'lesson';
  sequence: number;
  layer: number;
  head: number;
  query: number;
  key: number;
  /** [headDim] each: before and after the rotation. Not scaled. */
  queryPlain: Float32Array<ArrayBuffer>;
  queryRotated: Float32Array<ArrayBuffer>;
  keyPlain: Float32Array<ArrayBuffer>;
  keyRotated: Float32Array<ArrayBuffer>;
  /**
   * [headDim / 2] or fewer: the angle in radians that one position turns each pair by; empty where the model has no rotation, or has it in
   * a form that cannot be undone: the vectors before it are then those after it.
   */
  angles: Float32Array<ArrayBuffer>;
  /** True: pair i is (2i, 2i + 1); false: (i, i + half). */
  interleaved: boolean;
  /** What the product is multiplied by, usually 1 / √headDim. */
  scale: number;
  /** [query + 1]: query · key · scale for each key, before the softmax; what the mask hides is absent or −Infinity. */
  scores: Float32Array<ArrayBuffer>;
  /** [query + 1]: softmax of the scores. */
  weights: Float32Array<ArrayBuffer>;
  /** [headDim]: the value at the key; and Σ weight · value, what the head gives. */
  value: Float32Array<ArrayBuffer>;
  output: Float32Array<ArrayBuffer>;
}

export type Answer =
  | TextAnswer
  | OverviewAnswer
  | HeadAnswer
  | RowAnswer
  | DrawnAnswer
  | RolloutAnswer
  | LogitsAnswer
  | EffectsAnswer
  | LessonAnswer;

// ---------------------------------------------------------------- extension host → engine

/**
 * Somebody looks: from now on the last completion is followed while it is written, and what that takes is held in memory; or nobody does any
 * more, and it is given back.
 */
export interface WatchMessage {
  type: 'watch';
  on: boolean;
}

/** These completions have been shown: they can be asked about however many follow. Those named before need not be kept for that any more. */
export interface KeepMessage {
  type: 'keep';
  sequences: number[];
}

/** Ask about the inside of a completion: of the last, of the one that runs, or of one of the last that ended; answered by `inspected` or `error`. */
export interface InspectMessage {
  type: 'inspect';
  id: number;
  sequence: SequenceName;
  question: Question;
}

// ---------------------------------------------------------------- engine → extension host

export interface InspectedMessage {
  type: 'inspected';
  id: number;
  answer: Answer;
}

/** Sent while somebody watches: the sequence that is being written has grown, or has ended; at most some ten times a second. */
export interface GrewMessage {
  type: 'grew';
  sequence: number;
  /** Length of the sequence as far as it can be asked about. */
  n: number;
  finished: boolean;
}
