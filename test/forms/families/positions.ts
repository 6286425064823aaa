// What a graph knows of positions: how many tokens came before, where the new ones stand, who may look where.

import { TYPES } from '../../onnxWriter';
import { dimension, OPEN_END, slice } from '../torchShapes';
import { CONTEXT, type Tools } from './family';

/** The lowest float32: what a masked score becomes. */
export const LOWEST = -3.4028234663852886e38;

export interface Lengths {
  /** int64 []: tokens before, new, and both. */
  past: string;
  fresh: string;
  total: string;
  /** int64 [batch, new]: where the new tokens stand. */
  positions: string;
}

/** @param axis of the positions in the first layer's cache input, and that input's name */
export function lengths({ g, f, cached }: Tools, [pastName, axis]: [string, number]): Lengths {
  const s = g.under('/model');
  const fresh = dimension(s, 'input_ids', 1);
  const past = cached ? dimension(s, pastName, axis) : s.ints([0], []);
  const total = s.node('Add', [past, fresh]);
  const counted = (): string => s.node('Unsqueeze', [s.node('Range', [past, total, s.ints([1], [])]), s.ints([0])]);
  return { past, fresh, total, positions: f.positions ? 'position_ids' : counted() };
}

/** OPT: how many tokens of the mask stand up to each of the new ones, less one. */
export function positionsOfMask({ g }: Tools, { past }: Lengths): string {
  const s = g.under('/model/embed_positions');
  const sums = s.node('CumSum', ['attention_mask', s.ints([1], [])]);
  const all = s.node('Sub', [s.node('Mul', [sums, 'attention_mask']), s.ints([1], [])]);
  return slice(s, all, s.node('Unsqueeze', [past, s.ints([0])]), OPEN_END, 1);
}

/** Linear biases [batch or 1, head, 1, key], for BLOOM from the mask, for MPT from the number of keys. */
export function linearBiases({ g, f, float }: Tools, { total }: Lengths): string {
  const s = g.under('/model/alibi');
  const slopes = Float32Array.from({ length: f.heads }, (_, head) => 2 ** ((-8 * (head + 1)) / f.heads));
  if (f.alibi === 'keys') {
    const biases = Float32Array.from(
      { length: f.heads * CONTEXT },
      (_, i) => (slopes[Math.floor(i / CONTEXT)] as number) * ((i % CONTEXT) + 1 - CONTEXT),
    );
    const table = float('alibi', biases, [1, f.heads, 1, CONTEXT]);
    const from = s.node('Unsqueeze', [s.node('Sub', [s.ints([CONTEXT], []), total]), s.ints([0])]);
    return slice(s, table, from, OPEN_END, 3);
  }
  const sums = s.node('CumSum', ['attention_mask', s.ints([-1], [])]);
  const places = s.node('Mul', [s.node('Sub', [sums, s.ints([1], [])]), 'attention_mask']);
  const four = s.node('Unsqueeze', [places, s.ints([1, 2])]);
  return s.node('Mul', [float('slopes', slopes, [1, f.heads, 1, 1]), s.node('Cast', [four], { to: TYPES.float32 })]);
}

/** By window: what hides scores. */
export type Masks = (scores: string, window: number | undefined) => string;

/** The mask of the family, made once for each window. */
export function masks(tools: Tools, at: Lengths): Masks {
  const made = new Map<number | undefined, Masks>();
  return (scores, window) => {
    const known = made.get(window) ?? (tools.f.mask === 'table' ? tableMask : writtenMask)(tools, at, window);
    made.set(window, known);
    return known(scores, window);
  };
}

/** What `attention_mask` hides, [batch, 1, 1, key]: the lowest float, and 0 elsewhere. */
function padding({ g }: Tools): string {
  const s = g.under('/model/padding');
  const four = s.node('Unsqueeze', ['attention_mask', s.ints([1, 2])]);
  const hidden = s.node('Sub', [s.scalar(1), s.node('Cast', [four], { to: TYPES.float32 })]);
  return s.node('Mul', [hidden, s.scalar(LOWEST)]);
}

/** GPT-2 and its like: cut out of a table of truth values, [1, 1, query, key]. */
function tableMask(tools: Tools, { past, total }: Lengths, window: number | undefined): Masks {
  const { g, bools } = tools;
  const s = g.under('/transformer');
  const visible = Uint8Array.from({ length: CONTEXT * CONTEXT }, (_, i) => {
    const distance = Math.floor(i / CONTEXT) - (i % CONTEXT);
    return distance >= 0 && (window === undefined || distance < window) ? 1 : 0;
  });
  const table = bools(`attn.bias.${window ?? 'all'}`, visible, [1, 1, CONTEXT, CONTEXT]);
  const [from, to] = [past, total].map((x) => s.node('Unsqueeze', [x, s.ints([0])])) as [string, string];
  const causal = slice(s, slice(s, table, from, to, 2), 0, to, 3);
  const added = padding(tools);
  return (scores) => s.node('Add', [s.node('Where', [causal, scores, s.scalar(LOWEST)]), added]);
}

/**
 * Llama and its like: added, [batch, 1, query, key]. In a graph that was recorded for one token after others, as the second branch of merged
 * graphs is, new tokens are not hidden from each other.
 */
function writtenMask(tools: Tools, { past, total }: Lengths, window: number | undefined): Masks {
  const { g, form, cached } = tools;
  const s = g.under('/model/mask');
  const four = s.node('Unsqueeze', ['attention_mask', s.ints([1, 2])]);
  const there = s.node('Cast', [four], { to: TYPES.bool });
  const queries = s.node('Unsqueeze', [s.node('Range', [past, total, s.ints([1], [])]), s.ints([1])]);
  const keys = s.node('Unsqueeze', [s.node('Range', [s.ints([0], []), total, s.ints([1], [])]), s.ints([0])]);
  const distance = s.node('Sub', [queries, keys]);
  const inside = window === undefined ? undefined : s.node('Less', [distance, s.ints([window], [])]);
  const causal =
    form === 'optimum, merged' && cached ? undefined : s.node('GreaterOrEqual', [distance, s.ints([0], [])]);
  const visible = [inside, causal].reduce<string>(
    (all, each) => (each === undefined ? all : s.node('And', [all, each])),
    there,
  );
  const added = s.node('Where', [visible, s.scalar(0), s.scalar(LOWEST)]);
  return (scores) => s.node('Add', [scores, added]);
}

/** cos and sin of the positions' angles: [batch, new, rotary dims / 2]. */
export function angles({ g, f, float }: Tools, positions: string): [string, string] {
  const { dims, theta } = f.rotary as NonNullable<typeof f.rotary>;
  const s = g.under('/model/rotary_emb');
  const frequencies = Float32Array.from({ length: dims / 2 }, (_, d) => theta ** ((-2 * d) / dims));
  const stored = float('inv_freq', frequencies, [1, 1, dims / 2]);
  const whole = s.node('Cast', [s.node('Unsqueeze', [positions, s.ints([-1])])], { to: TYPES.float32 });
  const turned = s.node('Mul', [whole, stored]);
  return [s.node('Cos', [turned]), s.node('Sin', [turned])];
}
