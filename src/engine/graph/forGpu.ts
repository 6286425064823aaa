// What WebGPU wants otherwise in a graph than its author wrote. The numbers stay the same.

import { t } from '../../l10n';
import { takeLogitRows } from './logitRows';
import { attributesOf, makeNode, MICROSOFT, OnnxGraph, type GraphNode } from './onnx';
import type { AttributeValue, GivenAttribute } from './tensors';

const ANY_PAST = /^past_key_values\./;
const PAST = /^past_key_values\.\d+\.(key|value)$/;
/** Initializers of this many bytes stay in the file, where the file is larger than… */
const LARGE_TENSOR = 1 << 20;
/** …this many bytes. */
const LARGE_FILE = 64 << 20;
/** Where GroupQueryAttention (github.com/microsoft/onnxruntime, docs/ContribOperators.md) has the past, and a mask of its caller's. */
const GQA = { pastKey: 3, pastValue: 4, bias: 10 };

export interface GpuGraph {
  bytes: Uint8Array<ArrayBuffer>;
  /** Whether it gives only the logits that are asked for; see logitRows.ts. */
  logitRows: boolean;
  /** Whether rows of the past beyond the attention mask's length should be of no account; for the caller to try. */
  looseRows: boolean;
}

/**
 * Prepares the bytes of an ONNX file.
 * @param file its name, for weights that stay in it
 * @returns the reason where WebGPU would compute something else
 * @throws RangeError where the bytes are not an ONNX model
 */
export function graphForGpu(model: Uint8Array, file: string): GpuGraph | { reason: string } {
  const graph = new OnnxGraph(model);
  // Seen with onnxruntime-node 1.30: its WebGPU kernel leaves the cap out.
  if (graph.nodes.some((node) => node.op === 'GroupQueryAttention' && attributesOf(node).get('softcap')))
    return { reason: 'WebGPU has no GroupQueryAttention with softcap' };
  const odd = graph.inputs.find(
    ({ name, shape }) => ANY_PAST.test(name) && !(PAST.test(name) && growsInTheMiddle(shape)),
  );
  if (odd !== undefined) return { reason: t('on a GPU, a cache cannot lie as {0} does', odd.name) };
  // Its second branch may have been recorded with a single token; what is inside is not looked at.
  if (graph.inputs.some(({ name }) => name === 'use_cache_branch'))
    return { reason: t('a graph with a branch for the first tokens (use_cache_branch) runs on the CPU alone') };
  graph.nodes = graph.nodes.flatMap((node) => plainProduct(node, graph) ?? [fullPrecision(node)]);
  const readers = graph.nodes.filter((node) => node.inputs.some((name) => PAST.test(name)));
  const looseRows = readers.every(
    ({ op, domain, inputs }) =>
      op === 'GroupQueryAttention' &&
      domain === MICROSOFT &&
      (inputs[GQA.bias] ?? '') === '' &&
      inputs.every((name, i) => !PAST.test(name) || i === GQA.pastKey || i === GQA.pastValue),
  );
  const logitRows = takeLogitRows(graph);
  if (model.length > LARGE_FILE) graph.referTo(file, model, LARGE_TENSOR);
  return { bytes: graph.encode(), logitRows, looseRows };
}

/** Whether a shape can be [batch, kvHead, position, headDim], of which the graph leaves the positions open. */
function growsInTheMiddle(shape: readonly (number | undefined)[]): boolean {
  return shape.length === 4 && shape[2] === undefined;
}

/**
 * FusedMatMul has no WebGPU kernel: it would run on the CPU, with all that goes in and out of it copied. A product with transposed weights
 * is a transposition, which is folded into the weights when the session opens, and a product.
 */
function plainProduct(node: GraphNode, graph: OnnxGraph): GraphNode[] | undefined {
  const [a = '', b = ''] = node.inputs;
  if (node.op !== 'FusedMatMul' || graph.initializer(b)?.dims.length !== 2) return undefined;
  const attributes = attributesOf(node);
  if ((attributes.get('alpha') ?? 1) !== 1) return undefined;
  if (['transA', 'transBatchA', 'transBatchB'].some((name) => (attributes.get(name) ?? 0) !== 0)) return undefined;
  if (attributes.get('transB') !== 1) return [makeNode('MatMul', [a, b], node.outputs)];
  const turned = `glassbox.${node.outputs[0] ?? ''}.weight`;
  return [makeNode('Transpose', [b], [turned], { perm: [1, 0] }), makeNode('MatMul', [a, turned], node.outputs)];
}

/**
 * MatMulNBits may round its other factor to 8 bits where accuracy_level allows it. WebGPU does so in blocks as long as the weights', which
 * moves logits visibly; without leave to, it computes what the weights say.
 */
function fullPrecision(node: GraphNode): GraphNode {
  if (node.op !== 'MatMulNBits') return node;
  const attributes = [...attributesOf(node)].filter(([name]) => name !== 'accuracy_level');
  if (!attributes.every((pair): pair is [string, number] => isInteger(pair[1]))) return node;
  const given: Record<string, GivenAttribute> = Object.fromEntries(attributes);
  return makeNode(node.op, node.inputs, node.outputs, given, node.domain);
}

function isInteger(value: AttributeValue): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
