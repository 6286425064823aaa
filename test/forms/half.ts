// A float32 model in half precision, as transformers.js' scripts/float16.py (after onnxconverter-common) leaves it: tensors, constants and
// values are float16, numbers too large for it are ±10000, and operators without a half-precision form stand between changes of type.

import { attribute, TYPES, tensorProto, toHalf } from '../onnxTensors';
import {
  bytesOf,
  floatsOf,
  graphsIn,
  nodeOf,
  readInstead,
  tensorOf,
  valueOf,
  type EditableGraph,
  type EditableNode,
  type EditableTensor,
} from './editable';

/** What becomes of inputs and outputs: all half; float32 as before, changed at the edges; or the cache half and the logits float32. */
export type HalfEdges = 'half' | 'kept' | 'cache';

/** Operators that stay in float32. */
const BLOCKED = new Set(['Cast', 'CumSum', 'Min', 'Max', 'TopK', 'OneHot', 'Resize']);
const TRUTH = new Set([
  'And',
  'Or',
  'Not',
  'Xor',
  'Less',
  'LessOrEqual',
  'Greater',
  'GreaterOrEqual',
  'Equal',
  'IsNaN',
]);
/** Numbers beyond become it: float16.py's max_finite_val and min_positive_val. */
const LARGEST = 1e4;
const SMALLEST = 1e-7;

/** Changes a graph and the graphs in it. */
export function makeHalf(graph: EditableGraph, edges: HalfEdges): void {
  halve(graph, new Map());
  const kept = (name: string): boolean => edges === 'kept' || (edges === 'cache' && name === 'logits');
  const before: EditableNode[] = [];
  const renamed = new Map<string, string>();
  for (const input of graph.inputs) {
    if (input.type !== TYPES.float32) continue;
    if (!kept(input.name)) {
      input.type = TYPES.float16;
      continue;
    }
    renamed.set(input.name, `${input.name}_fp16`);
    before.push(edge(nodeOf('Cast', [input.name], [`${input.name}_fp16`], { to: TYPES.float16 })));
  }
  readInstead(graph, renamed);
  const after: EditableNode[] = [];
  for (const output of graph.outputs) {
    if (output.type !== TYPES.float32) continue;
    if (!kept(output.name)) {
      output.type = TYPES.float16;
      continue;
    }
    const inner = `${output.name}_fp16`;
    for (const node of graph.nodes) node.outputs = node.outputs.map((name) => (name === output.name ? inner : name));
    readInstead(graph, new Map([[output.name, inner]]));
    after.push(edge(nodeOf('Cast', [inner], [output.name], { to: TYPES.float32 })));
  }
  graph.nodes = [...before, ...graph.nodes, ...after];
}

/** The node under a name that no other one has. */
function edge(node: EditableNode): EditableNode {
  return { ...node, name: `${node.name}_edge` };
}

/** @param outer the types of what the graphs around it hold, as they were */
function halve(graph: EditableGraph, outer: ReadonlyMap<string, number>): void {
  const types = typesOf(graph, outer);
  const isFloat = (name: string): boolean => types.get(name) === TYPES.float32;
  for (const [name, tensor] of graph.tensors) graph.tensors.set(name, halfTensor(tensor));
  graph.nodes = graph.nodes.flatMap((node): EditableNode[] => {
    for (const inner of graphsIn(node)) {
      halve(inner, types);
      for (const value of [...inner.inputs, ...inner.outputs])
        if (value.type === TYPES.float32) value.type = TYPES.float16;
    }
    if (node.op === 'Constant' || node.op === 'ConstantOfShape') return [halfConstant(node)];
    if (!BLOCKED.has(node.op)) return [node];
    const nodes: EditableNode[] = [];
    node.inputs = node.inputs.map((name, i) => {
      if (!isFloat(name)) return name;
      const whole = `${node.name}_input_cast_${i}`;
      nodes.push(nodeOf('Cast', [name], [whole], { to: TYPES.float32 }));
      return whole;
    });
    const casts: EditableNode[] = [];
    node.outputs = node.outputs.map((name) => {
      if (!isFloat(name)) return name;
      const whole = `${name}_output_cast`;
      casts.push(nodeOf('Cast', [whole], [name], { to: TYPES.float16 }));
      return whole;
    });
    return [...nodes, node, ...casts];
  });
}

/** The element type of each value of a graph, as far as it matters whether it is float32. */
function typesOf(graph: EditableGraph, outer: ReadonlyMap<string, number>): Map<string, number> {
  const types = new Map(outer);
  for (const { name, type } of graph.inputs) types.set(name, type);
  for (const [name, { type }] of graph.tensors) types.set(name, type);
  for (const node of graph.nodes)
    for (const [i, name] of node.outputs.entries()) types.set(name, typeOf(node, i, types));
  return types;
}

function typeOf(node: EditableNode, output: number, types: ReadonlyMap<string, number>): number {
  const of = (input: number): number => types.get(node.inputs[input] ?? '') ?? 0;
  switch (node.op) {
    case 'Cast':
      return valueOf(node, 'to') as number;
    case 'Shape':
    case 'Size':
    case 'NonZero':
    case 'ArgMax':
      return TYPES.int64;
    case 'Constant':
      return tensorOf(node, 'value')?.type ?? (node.attributes.has('value_ints') ? TYPES.int64 : TYPES.float32);
    case 'ConstantOfShape':
      return tensorOf(node, 'value')?.type ?? TYPES.float32;
    case 'Where':
      return of(1);
    case 'GatherBlockQuantized':
    case 'DequantizeLinear':
      return of(node.op === 'GatherBlockQuantized' ? 2 : 1);
    case 'If': {
      const [branch] = graphsIn(node);
      const inner = branch === undefined ? undefined : typesOf(branch, types);
      return inner?.get(branch?.outputs[output]?.name ?? '') ?? TYPES.float32;
    }
    default:
      return TRUTH.has(node.op) ? TYPES.bool : of(0);
  }
}

function halfConstant(node: EditableNode): EditableNode {
  const number = valueOf(node, 'value_float');
  const given = tensorOf(node, 'value');
  const without =
    node.op === 'ConstantOfShape' ? { type: TYPES.float32, dims: [1], raw: new Uint8Array(4) } : undefined;
  const single = typeof number === 'number' ? Float32Array.of(number) : undefined;
  const tensor = single === undefined ? (given ?? without) : { type: TYPES.float32, dims: [], raw: bytesOf(single) };
  if (tensor?.type !== TYPES.float32) return node;
  const { type, dims, raw } = halfTensor(tensor);
  node.attributes = new Map([['value', attribute('value', { tensor: tensorProto('', type, raw, dims) })]]);
  return node;
}

/** The same tensor in half precision, where it was float32. */
export function halfTensor(tensor: EditableTensor): EditableTensor {
  const floats = floatsOf(tensor);
  if (floats === undefined) return tensor;
  const within = (x: number): number => {
    if (!Number.isFinite(x) || x === 0) return x;
    return Math.sign(x) * Math.min(Math.max(Math.abs(x), SMALLEST), LARGEST);
  };
  return { type: TYPES.float16, dims: tensor.dims, raw: bytesOf(Uint16Array.from(floats, (x) => toHalf(within(x)))) };
}
