// What the rewriter has to know of one layer's attention, in whatever form an exporter wrote it.

import { attributesOf, type GraphNode, type OnnxGraph } from './onnx';
import type { ReadTensor } from './tensors';

/** A value of queries, keys or values and the order of its axes. */
export interface HeadsValue {
  name: string;
  /** True: [1, head, position, headDim]; false: [1, position, head · headDim]. */
  headsFirst: boolean;
}

/** One layer's attention. */
export interface AttentionSite {
  layer: number;
  /** Where it was found, for the log. */
  node: string;
  heads: number;
  kvHeads: number;
  headDim: number;
  /** After the rotation, unless `rotary` says that it is still to come. */
  query: HeadsValue;
  /** Keys and values of the new tokens only. */
  key: HeadsValue;
  value: HeadsValue;
  /** The value that the layer goes on with. */
  output: HeadsValue;
  /** Factor of query · key. */
  scale: number;
  /** Single numbers of the graph that are factors besides. */
  factors?: string[];
  /** Scores become softcap · tanh(scores / softcap); 0: they stay. */
  softcap: number;
  /** The causal mask is ours to make; each query then sees so many keys, itself included, and 0 means all before it. Undefined: the graph adds its own. */
  window: number | undefined;
  /** Values of the graph that are added to the scores, broadcast to [1, head, query, key]. */
  added: string[];
  /** The rotation that the operator did inside (Su et al. 2021). */
  rotary?: { cos: string; sin: string; interleaved: boolean; positions?: string };
  /** Some of the numbers are float16. */
  half: boolean;
  /** The output is; by default it is like the rest. */
  outputHalf?: boolean;
  /** What has to be computed before it. */
  nodes?: GraphNode[];
}

/** Why a form cannot be rewritten, with the node that is the reason. */
export class NotUnderstood {
  readonly reason: string;

  constructor(node: GraphNode, why: string) {
    this.reason = `${node.op} "${node.name || (node.outputs[0] ?? '')}" ${why}`;
  }
}

/** What a form's reader is given. */
export interface Surroundings {
  graph: OnnxGraph;
  producers: ReadonlyMap<string, GraphNode>;
  consumers: ReadonlyMap<string, readonly GraphNode[]>;
  /** By name of an input of the graph, or of that input made float32. */
  pasts: ReadonlyMap<string, Past>;
}

/** A cache input. */
export interface Past {
  layer: number;
  kind: 'key' | 'value';
  kvHeads: number;
  headDim: number;
  half: boolean;
}

/** The number that a value always is; undefined where it is none or may change. */
export function scalarOf(
  name: string,
  { graph, producers }: Pick<Surroundings, 'graph' | 'producers'>,
  depth = 0,
): number | undefined {
  if (graph.isInitializer(name)) return single(graph.initializer(name));
  const node = producers.get(name);
  if (depth > 16) return undefined;
  if (node?.op === 'Cast' || node?.op === 'Identity')
    return scalarOf(node.inputs[0] ?? '', { graph, producers }, depth + 1);
  if (node?.op !== 'Constant') return undefined;
  const given = attributesOf(node);
  const value = given.get('value') ?? given.get('value_float');
  return typeof value === 'object' && 'dims' in value ? single(value) : typeof value === 'number' ? value : undefined;
}

/** The number of a tensor that holds one: weights by the million are not read for that. */
function single(tensor: ReadTensor | undefined): number | undefined {
  return tensor?.dims.every((dim) => dim === 1) === true ? tensor.values()?.[0] : undefined;
}
