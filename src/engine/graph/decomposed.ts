// Attention taken apart, as PyTorch's exporters write it: the cache and the new keys are joined by a Concat, softmax(query · key · scale + mask)
// is made of MatMul, Mul or Div, Add or Where, and Softmax, and another MatMul applies it to the values.

import { attributesOf, ELEMENT, makeNode, type GraphNode } from './onnx';
import { NotUnderstood, scalarOf, type AttentionSite, type Past, type Surroundings } from './site';

/** What may stand between a joined cache and the product that reads it: other shapes, and copies for the query heads of a group. */
const LAYOUT = new Set(['Transpose', 'Reshape', 'Expand', 'Unsqueeze', 'Squeeze', 'Identity']);

/** Values between a softmax and its query · key, the mask's included, that are looked at. */
const MOST_SEEN = 256;
/** Changes of type between a softmax and the product with the values: half-precision exports have some before and after each other one. */
const MOST_CASTS = 16;

/** A Concat of a cache input with the new tokens' keys or values. */
export interface Joined extends Past {
  node: GraphNode;
  /** The new tokens' part, [1, kvHead, position, headDim]. */
  fresh: string;
}

/** The joined caches by the value that holds them. */
export function joinedCaches(around: Surroundings): Map<string, Joined> | NotUnderstood {
  const found = new Map<string, Joined>();
  for (const node of around.graph.nodes) {
    const past = node.op === 'Concat' ? around.pasts.get(node.inputs[0] ?? '') : undefined;
    if (past === undefined) continue;
    const axis = attributesOf(node).get('axis');
    if (node.inputs.length !== 2 || (axis !== 2 && axis !== -2))
      return new NotUnderstood(node, `joins the cache along axis ${JSON.stringify(axis)}, not along the positions`);
    found.set(node.outputs[0] as string, { ...past, node, fresh: node.inputs[1] as string });
  }
  return found;
}

/** Reads the attention around a Softmax; undefined where the Softmax is about something else. */
export function readDecomposed(
  softmax: GraphNode,
  joined: ReadonlyMap<string, Joined>,
  heads: number,
  around: Surroundings,
): AttentionSite | NotUnderstood | undefined {
  const axis = attributesOf(softmax).get('axis');
  const scores = readScores(softmax.inputs[0] ?? '', joined, around, new Set());
  if (scores === undefined) return undefined;
  if (axis !== undefined && axis !== -1 && axis !== 3)
    return new NotUnderstood(softmax, `normalises along axis ${JSON.stringify(axis)}`);
  const mixing = followTo('MatMul', softmax.outputs[0] as string, around);
  if (mixing === undefined) return new NotUnderstood(softmax, 'does not lead to the product with the values');
  const values = readOperand(mixing.inputs[1] ?? '', joined, around);
  if (
    values?.joined.kind !== 'value' ||
    values.joined.layer !== scores.keys.layer ||
    values.factor !== 1 ||
    values.factors.length > 0
  )
    return new NotUnderstood(mixing, 'does not read the values of the same layer');
  if (scores.added.length === 0) return new NotUnderstood(softmax, 'has no mask');
  const { layer, kvHeads, headDim } = scores.keys;
  return {
    layer,
    node: softmax.name || (softmax.outputs[0] as string),
    heads,
    kvHeads,
    headDim,
    half: scores.half || scores.keys.half || values.joined.half,
    outputHalf: values.half,
    query: { name: scores.query, headsFirst: true },
    key: { name: scores.keys.fresh, headsFirst: true },
    value: { name: values.joined.fresh, headsFirst: true },
    output: { name: mixing.outputs[0] ?? '', headsFirst: true },
    scale: scores.scale,
    factors: scores.factors,
    softcap: scores.softcap,
    window: undefined,
    added: scores.added,
    nodes: scores.nodes,
  };
}

interface Scores {
  query: string;
  keys: Joined;
  /** The product's numbers are float16. */
  half: boolean;
  scale: number;
  factors: string[];
  /** 0: none. */
  softcap: number;
  added: string[];
  nodes: GraphNode[];
}

/** Follows the scores back from the softmax to query · key. @param seen values that were looked at, so that none is twice */
function readScores(
  name: string,
  joined: ReadonlyMap<string, Joined>,
  around: Surroundings,
  seen: Set<string>,
): Scores | undefined {
  const node = around.producers.get(name);
  if (node === undefined || seen.has(name) || seen.size > MOST_SEEN) return undefined;
  seen.add(name);
  const [a = '', b = '', c = ''] = node.inputs;
  const back = (input: string): Scores | undefined => readScores(input, joined, around, seen);
  switch (node.op) {
    case 'Cast':
    case 'Identity':
      return back(a);
    case 'MatMul': {
      const keys = readOperand(b, joined, around);
      if (keys?.joined.kind !== 'key') return undefined;
      const { joined: all, half, factor: scale, factors } = keys;
      return { query: a, keys: all, half, scale, factors, softcap: 0, added: [], nodes: [] };
    }
    case 'Mul':
    case 'Div': {
      const [factor, path] = factorOf(node, around);
      if (factor === undefined) return undefined;
      // a · tanh(b · scores) is what a cap of a makes of a · b · scores
      const tanh = around.producers.get(path);
      const capped = tanh?.op === 'Tanh';
      const scores = back(capped ? (tanh.inputs[0] ?? '') : path);
      if (scores === undefined || scores.added.length > 0 || scores.softcap !== 0) return undefined;
      return { ...scores, scale: scores.scale * factor, softcap: capped ? factor : 0 };
    }
    case 'Add': {
      const [scores, mask] = [back(a), back(b)];
      if ((scores === undefined) === (mask === undefined)) return undefined;
      const [path, added] = scores === undefined ? [mask as Scores, a] : [scores, b];
      return { ...path, added: [...path.added, added] };
    }
    case 'Where': {
      // scores where they may be seen, a large negative number elsewhere: the same as adding 0 or that number
      const [shown, hidden] = [back(b), back(c)];
      if ((shown === undefined) === (hidden === undefined)) return undefined;
      const path = (shown ?? hidden) as Scores;
      const mask = `glassbox.where.${node.outputs[0] ?? ''}`;
      const zero = around.graph.constant('glassbox.zero', 'float32', [0], []);
      const other = `${mask}.float32`;
      const cast = makeNode('Cast', [shown === undefined ? b : c], [other], { to: ELEMENT.float32 });
      const where = makeNode('Where', shown === undefined ? [a, other, zero] : [a, zero, other], [mask]);
      return { ...path, added: [...path.added, mask], nodes: [...path.nodes, cast, where] };
    }
    default:
      return undefined;
  }
}

/** What lies behind an operand of a product. */
export interface Operand {
  joined: Joined;
  /** It is float16. */
  half: boolean;
  /** Constant factor on the way. */
  factor: number;
  /** Factors that are computed. */
  factors: string[];
  /** Operators on the way, the last first. */
  path: string[];
}

/** Follows an operand back to the joined cache, past reshaping, copies for grouped heads and factors that are single numbers. */
export function readOperand(
  name: string,
  joined: ReadonlyMap<string, Joined>,
  around: Surroundings,
  depth = 0,
): Operand | undefined {
  const found = joined.get(name);
  if (found !== undefined) return { joined: found, half: found.half, factor: 1, factors: [], path: [] };
  const node = around.producers.get(name);
  if (node === undefined || depth > 16) return undefined;
  const back = (input: string): Operand | undefined => {
    const operand = readOperand(input, joined, around, depth + 1);
    return operand === undefined ? undefined : { ...operand, path: [node.op, ...operand.path] };
  };
  const [a = '', b = ''] = node.inputs;
  if (node.op === 'Cast') {
    const operand = back(a);
    return operand === undefined ? undefined : { ...operand, half: attributesOf(node).get('to') === ELEMENT.float16 };
  }
  if (LAYOUT.has(node.op)) return back(a);
  if (node.op !== 'Mul' && node.op !== 'Div') return undefined;
  const [by, path] = factorOf(node, around);
  if (by !== undefined) {
    const operand = back(path);
    return operand === undefined ? undefined : { ...operand, factor: operand.factor * by };
  }
  const operand = back(a);
  return operand === undefined || node.op === 'Div' ? undefined : { ...operand, factors: [...operand.factors, b] };
}

/** A product with, or quotient by, a constant number: the factor and the other operand. */
function factorOf(node: GraphNode, around: Surroundings): [number | undefined, string] {
  const [a = '', b = ''] = node.inputs;
  const right = scalarOf(b, around);
  if (right !== undefined) return [node.op === 'Div' ? 1 / right : right, a];
  return [node.op === 'Div' ? undefined : scalarOf(a, around), b];
}

/** The next node of this kind after a value that goes through changes of type only. */
function followTo(op: string, name: string, { consumers }: Surroundings): GraphNode | undefined {
  for (let at = name, steps = 0; steps < MOST_CASTS; steps++) {
    const readers = consumers.get(at) ?? [];
    if (readers.length !== 1) return undefined;
    const reader = readers[0] as GraphNode;
    if (reader.op === op && reader.inputs[0] === at) return reader;
    if (reader.op !== 'Cast' && reader.op !== 'Identity') return undefined;
    at = reader.outputs[0] as string;
  }
  return undefined;
}
