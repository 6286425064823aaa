// Queries, keys and values: how a family's products give them, and what is done with them before they meet.

import type { GraphWriter } from '../../onnxWriter';
import { linear, type Tools } from './family';
import { norm } from './parts';
import { OPEN_END, slice } from '../torchShapes';

/** [batch, new, head · headDim], or [batch, head, new, headDim]. */
export interface Projected {
  q: string;
  k: string;
  v: string;
}

/** The products, side by side: [batch, new, head · headDim]. */
export function projections(tools: Tools, x: string, module: string): Projected {
  const { g, f } = tools;
  const { hidden, heads, kvHeads, headDim } = f;
  const bias = f.biases?.qkv ?? false;
  const s = g.under(`/${module.replaceAll('.', '/')}`);
  const [qSize, kvSize] = [heads * headDim, kvHeads * headDim];
  if (f.qkv === 'apart') {
    const of = (part: string, size: number): string => linear(tools, x, `${module}.${part}_proj`, [hidden, size], bias);
    return { q: of('q', qSize), k: of('k', kvSize), v: of('v', kvSize) };
  }
  const all = linear(tools, x, `${module}.qkv_proj`, [hidden, qSize + 2 * kvSize], bias);
  const flat = (y: string, size: number): string => s.node('Reshape', [y, s.ints([0, 0, size])]);
  if (f.qkv === 'in a row') {
    const [q, k, v] = s.nodes('Split', [all, s.ints([qSize, kvSize, kvSize])], 3, { axis: 2 }) as [string, string, string]; // prettier-ignore
    return { q, k, v };
  }
  if (f.qkv === 'by head') {
    const byHead = s.node('Reshape', [all, s.ints([0, 0, heads, 3 * headDim])]);
    const part = (i: number): string => flat(slice(s, byHead, i * headDim, (i + 1) * headDim, 3), qSize);
    return { q: part(0), k: part(1), v: part(2) };
  }
  // CodeGen: four groups of heads, each its queries, then values, then keys
  const inFours = s.node('Reshape', [all, s.ints([0, 0, 4, (3 * qSize) / 4])]);
  const [q, v, k] = s.nodes('Split', [inFours], 3, { axis: 3 }).map((part) => flat(part, qSize)) as [string, string, string]; // prettier-ignore
  return { q, k, v };
}

/** The same by head, [batch, head, new, headDim], normed where the family does so; not turned yet. */
export function byHead(tools: Tools, x: string, module: string): Projected {
  const { g, f } = tools;
  const s = g.under(`/${module.replaceAll('.', '/')}`);
  const { q, k, v } = headNorms(tools, projections(tools, x, module), module);
  const split = (y: string, n: number): string =>
    s.node('Transpose', [s.node('Reshape', [y, s.ints([0, 0, n, f.headDim])])], { perm: [0, 2, 1, 3] });
  return { q: split(q, f.heads), k: split(k, f.kvHeads), v: split(v, f.kvHeads) };
}

/** Queries and keys side by side through their norms. */
export function headNorms(tools: Tools, { q, k, v }: Projected, module: string): Projected {
  const { g, f } = tools;
  if (f.headNorms === undefined) return { q, k, v };
  const s = g.under(`/${module.replaceAll('.', '/')}`);
  const normed = (y: string, part: 'q' | 'k', heads: number): string => {
    const name = `${module}.${part}_norm`;
    if (f.headNorms === 'all heads') return norm(tools, y, name, heads * f.headDim);
    const each = s.node('Reshape', [y, s.ints([0, -1, f.headDim])]);
    return s.node('Reshape', [norm(tools, each, name, f.headDim), s.ints([0, -1, heads * f.headDim])]);
  };
  return { q: normed(q, 'q', f.heads), k: normed(k, 'k', f.kvHeads), v };
}

/** Turns the first numbers of each head, [batch, head, new, headDim], by the angles [batch, new, half]. */
export function turned(tools: Tools, s: GraphWriter, x: string, [cos, sin]: [string, string]): string {
  const { dims, interleaved = false } = tools.f.rotary as NonNullable<Tools['f']['rotary']>;
  const whole = dims === tools.f.headDim;
  const part = whole ? x : slice(s, x, 0, dims, 3);
  const wide = (table: string): string => {
    const heads = s.node('Unsqueeze', [table, s.ints([1])]);
    if (!interleaved) return s.node('Concat', [heads, heads], { axis: -1 });
    const pairs = s.node('Unsqueeze', [heads, s.ints([-1])]);
    const twice = s.node('Concat', [pairs, pairs], { axis: -1 });
    return s.node('Reshape', [twice, s.ints([0, 0, 0, dims])]);
  };
  const rotated = interleaved ? everyTwo(s, part, dims) : halves(s, part, dims);
  const result = s.node('Add', [s.node('Mul', [part, wide(cos)]), s.node('Mul', [rotated, wide(sin)])]);
  return whole ? result : s.node('Concat', [result, slice(s, x, dims, OPEN_END, 3)], { axis: -1 });
}

/** a, b → −b, a */
function halves(s: GraphWriter, x: string, dims: number): string {
  const [a, b] = [slice(s, x, 0, dims / 2, 3), slice(s, x, dims / 2, OPEN_END, 3)];
  return s.node('Concat', [s.node('Neg', [b]), a], { axis: -1 });
}

/** a₀, b₀, a₁, b₁ … → −b₀, a₀, −b₁, a₁ … */
function everyTwo(s: GraphWriter, x: string, dims: number): string {
  const [a, b] = [0, 1].map((first) =>
    s.node('Slice', [x, s.ints([first]), s.ints([OPEN_END]), s.ints([3]), s.ints([2])]),
  ) as [string, string];
  const column = (y: string): string => s.node('Unsqueeze', [y, s.ints([-1])]);
  const pairs = s.node('Concat', [column(s.node('Neg', [b])), column(a)], { axis: -1 });
  return s.node('Reshape', [pairs, s.ints([0, 0, 0, dims])]);
}
