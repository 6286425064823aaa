// Products of the same value with several quantised matrices (query, key and value; gate and up) as one product with all their rows. One
// long product is faster than several short ones, where a token takes half a millisecond.

import { attributesOf, makeNode, MICROSOFT, type GraphNode, type OnnxGraph } from './onnx';

/** MatMulNBits: activations, codes [N, block, byte], scales [N, block], and at most zero points [N, ..]. */
const INPUTS = 4;

/** Joins the MatMulNBits nodes that read the same value, where their weights lie in the file itself. */
export function joinProducts(graph: OnnxGraph): void {
  const groups = new Map<string, GraphNode[]>();
  for (const node of graph.nodes) {
    if (node.op !== 'MatMulNBits' || node.inputs.slice(INPUTS).some((name) => name !== '')) continue;
    const attributes = attributesOf(node);
    const kind = ['K', 'bits', 'block_size', 'accuracy_level'].map((name) => String(attributes.get(name) as number));
    const key = [node.inputs[0], node.inputs.length, ...kind].join(' ');
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  for (const nodes of groups.values()) if (nodes.length > 1) join(graph, nodes);
}

function join(graph: OnnxGraph, nodes: GraphNode[]): void {
  const [first] = nodes as [GraphNode];
  const weights = first.inputs.slice(1);
  const name = (part: string): string => `glassbox.joined.${first.outputs[0] ?? ''}.${part}`;
  const joined: string[] = [];
  for (const i of weights.keys()) {
    const parts = nodes.map((node) => node.inputs[i + 1] ?? '');
    if (!graph.concatenate(name(String(i)), parts)) return;
    joined.push(name(String(i)));
  }
  const sizes = nodes.map((node) => attributesOf(node).get('N') as number);
  const attributes = attributesOf(first);
  const kept = ['K', 'bits', 'block_size', 'accuracy_level'].flatMap((key) => {
    const value = attributes.get(key);
    return typeof value === 'number' ? [[key, value] as const] : [];
  });
  const N = sizes.reduce((sum, size) => sum + size, 0);
  const split = graph.constant(name('sizes'), 'int64', sizes, [sizes.length]);
  const outputs = nodes.map((node) => node.outputs[0] as string);
  const product = makeNode(
    'MatMulNBits',
    [first.inputs[0] as string, ...joined],
    [name('all')],
    { ...Object.fromEntries(kept), N },
    MICROSOFT,
  );
  const parted = makeNode('Split', [name('all'), split], outputs, { axis: 2 });
  // What the first one read is known where it stood, and who reads a later one stands behind that.
  graph.nodes = graph.nodes.flatMap((node): GraphNode[] =>
    node === first ? [product, parted] : nodes.includes(node) ? [] : [node],
  );
}
