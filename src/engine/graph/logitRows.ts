// The product with the vocabulary is a large part of a small model. It is needed for the tokens whose logits somebody wants, which while a
// prompt is read is the last one.

import { makeNode, renamed, type GraphNode, type OnnxGraph } from './onnx';
import { NAMES } from './attentionBlock';

/** Operators between the last hidden state and the logits that treat each token by itself. */
const ON_THE_WAY = new Set(['Cast', 'Mul', 'Div', 'Add', 'Tanh', 'Identity']);
const PRODUCTS = new Set(['MatMul', 'FusedMatMul', 'MatMulNBits', 'MatMulBnb4', 'MatMulInteger']);

/**
 * Takes the rows that are wanted before the product that gives the logits.
 * @returns false where that product was not found: then all logits are computed, as before
 */
export function takeLogitRows(graph: OnnxGraph): boolean {
  const producers = graph.producers();
  let node = producers.get('logits');
  for (let steps = 0; node !== undefined && steps < 8; steps++) {
    if (PRODUCTS.has(node.op)) break;
    const path: string | undefined = ON_THE_WAY.has(node.op)
      ? node.inputs.find((name) => producers.has(name) && !graph.isInitializer(name))
      : undefined;
    node = path === undefined ? undefined : producers.get(path);
  }
  // What is multiplied in 8 bits is quantised first: the rows are taken before that, where nobody else wants the others.
  const before = producers.get(node?.inputs[0] ?? '');
  if (node?.op === 'MatMulInteger')
    node = before?.op === 'DynamicQuantizeLinear' && onlyFor(node, before) ? before : undefined;
  const hidden = node?.inputs[0];
  if (
    node === undefined ||
    !(PRODUCTS.has(node.op) || node === before) ||
    hidden === undefined ||
    !producers.has(hidden)
  )
    return false;
  const rows = `${NAMES.rows}.hidden`;
  graph.input(NAMES.rows, 'int64');
  const gather = makeNode('Gather', [hidden, NAMES.rows], [rows], { axis: 1 });
  graph.nodes = graph.nodes.flatMap((n): GraphNode[] =>
    n === node ? [gather, renamed(n, [rows, ...n.inputs.slice(1)])] : [n],
  );
  return true;

  /** Whether nothing but this product reads what was quantised. */
  function onlyFor(product: GraphNode, quantise: GraphNode): boolean {
    return (graph.consumers().get(quantise.outputs[0] ?? '') ?? []).every((reader) => reader === product);
  }
}
