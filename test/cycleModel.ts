// Makes a model folder whose greedy text is known beforehand, for tests of what happens around a model: after any character the
// next one of a cycle follows, without end. It is a graph like any other (tokens in, cache, logits out) and takes some milliseconds a token.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraphWriter, type ValueInfo } from './onnxWriter';
import { byteTokenizer } from './tinyModel';

/** Lines that differ, since a suggestion ends where it repeats itself; no character occurs twice. */
export const LINES = ['abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '0123456789'] as const;
/** What the model writes, again and again. */
export const CYCLE = `${LINES.join('\n')}\n`;

/** What it writes in so many tokens, from the beginning of the cycle. */
export function cycleText(tokens: number): string {
  const cycle = LINES.flatMap((line, i) => (i === 0 ? [...line] : [`\n${line[0] as string}`, ...line.slice(1)]));
  cycle.push('\n');
  return Array.from({ length: tokens }, (_, i) => cycle[i % cycle.length]).join('');
}

/** A line break and the first character of the next line are one token, but for the last: so it is known which line is next. */
const BREAKS = LINES.slice(1).map((line) => `\u010a${line[0] as string}`); // U+010A stands for the line feed
const LINE_FEED = 10;
const VOCAB = 259 + BREAKS.length;
const WIDTH = 1024;
/** Matrix products a token, for nothing but the time they take. */
const PRODUCTS = 60;

/** Writes the folder. */
export function writeCycleModel(dir: string): void {
  mkdirSync(join(dir, 'onnx'), { recursive: true });
  const json = (name: string, value: unknown): void => writeFileSync(join(dir, name), JSON.stringify(value));
  json('config.json', {
    num_hidden_layers: 1,
    hidden_size: 1,
    num_attention_heads: 1,
    vocab_size: VOCAB,
    max_position_embeddings: 2048,
    eos_token_id: 257,
  });
  json('tokenizer.json', byteTokenizer(BREAKS));
  json('tokenizer_config.json', { tokenizer_class: 'GPT2Tokenizer', bos_token: '<s>' });

  const g = new GraphWriter();
  const follower = new Float32Array(VOCAB * VOCAB); // [this, next]
  for (let id = 0; id < VOCAB; id++) {
    follower[id * VOCAB + LINE_FEED] = 10; // rather than the tokens that begin with one
    follower[id * VOCAB + after(id)] = 20;
  }
  const logits = g.node('Gather', [g.float('follower', follower, [VOCAB, VOCAB]), 'input_ids'], { axis: 0 });
  const small = new Float32Array(WIDTH * WIDTH).fill(1 / WIDTH);
  g.float('mix', small, [WIDTH, WIDTH]);
  let busy = g.node(
    'Gather',
    [g.float('start', new Float32Array(VOCAB * WIDTH).fill(1), [VOCAB, WIDTH]), 'input_ids'],
    { axis: 0 },
  );
  for (let i = 0; i < PRODUCTS; i++) busy = g.node('MatMul', [busy, 'mix']);
  const nothing = g.node('Mul', [g.node('ReduceMean', [busy], { axes: [2], keepdims: 1 }), g.scalar(0)]); // [1, token, 1]
  g.node('Add', [logits, nothing], {}, 'logits');
  const entry = g.node('Unsqueeze', [nothing, g.ints([1])]); // [1, 1, token, 1]
  const cache = (prefix: string, length: string): ValueInfo[] =>
    ['key', 'value'].map((part) => ({ name: `${prefix}.0.${part}`, type: 'float32', shape: ['batch', 1, length, 1] }));
  for (const part of ['key', 'value'])
    g.node('Concat', [`past_key_values.0.${part}`, entry], { axis: 2 }, `present.0.${part}`);
  const model = g.finish(
    [
      { name: 'input_ids', type: 'int64', shape: ['batch', 'sequence'] },
      { name: 'attention_mask', type: 'int64', shape: ['batch', 'total'] },
      ...cache('past_key_values', 'past'),
    ],
    [{ name: 'logits', type: 'float32', shape: ['batch', 'sequence', VOCAB] }, ...cache('present', 'total')],
  );
  writeFileSync(join(dir, 'onnx', 'model.onnx'), model);
}

/** The id that follows another one. */
function after(id: number): number {
  const last = id < 256 ? String.fromCharCode(id) : (BREAKS[id - 259]?.[1] ?? '');
  const line = LINES.findIndex((each) => last !== '' && each.includes(last));
  if (line < 0) return (LINES[0][0] as string).charCodeAt(0); // not in the cycle: its beginning
  const next = LINES[line]?.[(LINES[line] as string).indexOf(last) + 1];
  if (next !== undefined) return next.charCodeAt(0);
  return line + 1 < LINES.length ? 259 + line : LINE_FEED;
}
