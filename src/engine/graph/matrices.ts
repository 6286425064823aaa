// In what numbers the matrices of a graph are, for people. Knows the graph, not the model.

import { attributesOf, type GraphNode, type OnnxGraph } from './onnx';

/** Element types of TensorProto that matrices come in. */
const NAMES = new Map([
  [1, 'float32'],
  [2, 'uint8'],
  [3, 'int8'],
  [10, 'float16'],
  [16, 'bfloat16'],
  [21, 'uint4'],
  [22, 'int4'],
]);
/** Operators that multiply by a matrix, their second input. */
const PRODUCTS = /^(MatMul|Gemm|MatMulNBits|MatMulInteger|MatMulIntegerToFloat|DynamicQuantizeMatMul|MatMulBnb4)$/;
/** What may stand between a matrix and its product: numbers made of other numbers, or others' order. */
const BETWEEN = /^(DequantizeLinear|Cast|Transpose|Identity)$/;

/** The type that the matrices of most products have: int8, float32, 4 bits…; empty where it cannot be told. */
export function matrixType(graph: OnnxGraph): string {
  const producers = graph.producers();
  const counts = new Map<string, number>();
  for (const node of graph.nodes) {
    const type = PRODUCTS.test(node.op) ? typeIn(graph, producers, node) : undefined;
    if (type !== undefined) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return most?.[0] ?? '';
}

function typeIn(graph: OnnxGraph, producers: Map<string, GraphNode>, node: GraphNode): string | undefined {
  if (node.op === 'MatMulNBits') return `int${Number(attributesOf(node).get('bits') ?? 4)}`;
  if (node.op === 'MatMulBnb4') return Number(attributesOf(node).get('quant_type') ?? 1) === 1 ? 'nf4' : 'fp4';
  let name = node.inputs[1] ?? '';
  for (let steps = 0; steps < 4 && !graph.isInitializer(name); steps++) {
    const before = producers.get(name);
    if (before === undefined || !BETWEEN.test(before.op)) return undefined; // a product of two things that were computed
    name = before.inputs[0] ?? '';
  }
  return NAMES.get(graph.initializer(name)?.element ?? 0);
}
