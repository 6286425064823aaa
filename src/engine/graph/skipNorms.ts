// A sum and the norm after it as one operator: com.microsoft SkipSimplifiedLayerNormalization (ONNX Runtime, docs/ContribOperators.md)
// gives both the sum and its norm. A small model spends much of a token's time on going from node to node.

import { attributesOf, makeNode, MICROSOFT, type GraphNode, type OnnxGraph } from './onnx';

/** Joins each Add with the SimplifiedLayerNormalization that reads its result. */
export function joinSkipNorms(graph: OnnxGraph): void {
  const producers = graph.producers();
  const joined = new Map<GraphNode, GraphNode>(); // by the norm
  const gone = new Set<GraphNode>();
  const read = new Map<GraphNode, GraphNode>(); // the sum → the norm it was joined with
  for (const norm of graph.nodes) {
    if (norm.op !== 'SimplifiedLayerNormalization' || norm.outputs.length > 1) continue;
    const [x = '', weight = ''] = norm.inputs;
    const sum = producers.get(x);
    if (sum?.op !== 'Add' || read.has(sum)) continue;
    // What takes the sum's place stands before nodes that may compute the weight, such as 1 + weight.
    if (!graph.isInitializer(weight)) continue;
    // A constant is added to each row alike: the operator wants two sums of the same shape.
    if (sum.inputs.some((name) => graph.isInitializer(name) || !producers.has(name))) continue;
    const attributes = attributesOf(norm);
    const [axis, epsilon] = [attributes.get('axis') ?? -1, attributes.get('epsilon') ?? 1e-5];
    if ((axis !== -1 && axis !== 2) || typeof epsilon !== 'number') continue;
    const node = makeNode(
      'SkipSimplifiedLayerNormalization',
      [...sum.inputs, weight],
      [norm.outputs[0] as string, '', '', x],
      { epsilon: { float: epsilon } },
      MICROSOFT,
    );
    joined.set(norm, node);
    read.set(sum, norm);
    gone.add(sum);
  }
  // The sum may be read before the norm stood in the list: its new node takes the place of the Add, whose operands are known by then.
  graph.nodes = graph.nodes.flatMap((node): GraphNode[] => {
    const norm = read.get(node);
    if (norm !== undefined) return [joined.get(norm) as GraphNode];
    return joined.has(node) || gone.has(node) ? [] : [node];
  });
}
