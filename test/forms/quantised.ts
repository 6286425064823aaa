// A float32 model with quantised matrices, as onnxruntime.quantization leaves it: 8 bits with activations quantised at each run
// (ONNXQuantizer, IntegerOps), 4 bits in blocks (MatMul4BitsQuantizer), and the 4-bit codes of bitsandbytes (MatMulBnb4Quantizer).

import { MICROSOFT } from '../../src/engine/graph/onnx';
import { TYPES } from '../onnxTensors';
import {
  bytesOf,
  floatsOf,
  graphsIn,
  nodeOf,
  valueOf,
  type EditableGraph,
  type EditableNode,
  type EditableTensor,
} from './editable';

/** Weights in a block of 4 bits. */
const BLOCK = 32;
/** Weights that share a scale in bitsandbytes' form. */
const BNB_BLOCK = 64;
/** What the 16 codes of NF4 stand for (Dettmers et al. 2023, arXiv:2305.14314, appendix E). */
const NF4 = [
  -1, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0, 0.0795803, 0.1609302, 0.2461123,
  0.33791524, 0.44070983, 0.562617, 0.72295684, 1,
];

/** A matrix [K, N] that a product multiplies by. */
interface Matrix {
  name: string;
  data: Float32Array;
  K: number;
  N: number;
}

/** Replaces each product with a constant matrix, in inner graphs, too. Tensors of the outer graph are found. */
function replaceProducts(
  graph: EditableGraph,
  replace: (node: EditableNode, matrix: Matrix, into: EditableGraph) => EditableNode[],
  outer: readonly EditableGraph[] = [],
): void {
  const scopes = [graph, ...outer];
  graph.nodes = graph.nodes.flatMap((node): EditableNode[] => {
    for (const inner of graphsIn(node)) replaceProducts(inner, replace, scopes);
    if (node.op !== 'MatMul') return [node];
    const name = node.inputs[1] ?? '';
    const tensor = scopes.map(({ tensors }) => tensors.get(name)).find((found) => found !== undefined);
    const data = tensor?.dims.length === 2 ? floatsOf(tensor) : undefined;
    if (data === undefined) return [node];
    const [K = 0, N = 0] = tensor?.dims ?? [];
    return replace(node, { name, data, K, N }, graph);
  });
}

/** What a slimmer does before: a constant matrix that is transposed is stored so. */
export function foldTransposes(graph: EditableGraph): void {
  graph.nodes = graph.nodes.filter((node) => {
    const tensor = node.op === 'Transpose' ? graph.tensors.get(node.inputs[0] ?? '') : undefined;
    const data = tensor?.dims.length === 2 ? floatsOf(tensor) : undefined;
    if (data === undefined) return true;
    const [rows = 0, columns = 0] = tensor?.dims ?? [];
    const raw = bytesOf(transposed({ data, K: rows, N: columns }));
    graph.tensors.set(node.outputs[0] as string, { type: TYPES.float32, dims: [columns, rows], raw });
    return false;
  });
}

/** Gemm with factors 1 as MatMul and Add. */
export function splitGemms(graph: EditableGraph): void {
  graph.nodes = graph.nodes.flatMap((node): EditableNode[] => {
    for (const inner of graphsIn(node)) splitGemms(inner);
    const whole = (name: string): boolean => [undefined, 1].includes(valueOf(node, name) as number | undefined);
    if (node.op !== 'Gemm' || !whole('alpha') || !whole('beta') || valueOf(node, 'transA') === 1) return [node];
    const [a = '', b = '', c = ''] = node.inputs;
    let right = b;
    const tensor = graph.tensors.get(b);
    if (valueOf(node, 'transB') === 1) {
      const data = floatsOf(tensor);
      if (data === undefined) return [node];
      const [rows = 0, columns = 0] = tensor?.dims ?? [];
      right = `${b}_transposed`;
      const raw = bytesOf(transposed({ data, K: rows, N: columns }));
      graph.tensors.set(right, { type: TYPES.float32, dims: [columns, rows], raw });
    }
    const output = node.outputs[0] as string;
    if (c === '') return [nodeOf('MatMul', [a, right], [output])];
    return [nodeOf('MatMul', [a, right], [`${output}_MatMul`]), nodeOf('Add', [`${output}_MatMul`, c], [output])];
  });
}

/** 8 bits, one scale a matrix, signed around 0 or unsigned with a zero point; embeddings, too. */
export function quantise8(graph: EditableGraph, signed: boolean): void {
  splitGemms(graph);
  const seen = new Map<EditableGraph, Set<string>>();
  const stored = (into: EditableGraph, name: string, tensor: EditableTensor): void => {
    into.tensors.set(`${name}_quantized`, eightBits(floatsOf(tensor) as Float32Array, tensor.dims, signed));
    const [scale, zero] = range(floatsOf(tensor) as Float32Array, signed);
    into.tensors.set(`${name}_scale`, { type: TYPES.float32, dims: [], raw: bytesOf(Float32Array.of(scale)) });
    const raw = Uint8Array.of(zero);
    into.tensors.set(`${name}_zero_point`, { type: signed ? TYPES.int8 : TYPES.uint8, dims: [], raw });
  };
  replaceProducts(graph, (node, { name, data, K, N }, into) => {
    const [x = ''] = node.inputs;
    const output = node.outputs[0] as string;
    stored(graph, name, { type: TYPES.float32, dims: [K, N], raw: bytesOf(data) });
    const [quantised, scale, zero] = ['quantized', 'scale', 'zero_point'].map((part) => `${x}_${part}`) as [
      string,
      string,
      string,
    ];
    const known = seen.get(into) ?? new Set();
    seen.set(into, known);
    const nodes = known.has(x) ? [] : [nodeOf('DynamicQuantizeLinear', [x], [quantised, scale, zero])];
    known.add(x);
    const [whole, cast, scales] = ['', '_cast_output', '_scales_mul'].map((p) => `${output}_output_quantized${p}`) as [
      string,
      string,
      string,
    ];
    return [
      ...nodes,
      nodeOf('MatMulInteger', [quantised, `${name}_quantized`, zero, `${name}_zero_point`], [whole]),
      nodeOf('Cast', [whole], [cast], { to: TYPES.float32 }),
      nodeOf('Mul', [scale, `${name}_scale`], [scales]),
      nodeOf('Mul', [cast, scales], [output]),
    ];
  });
  graph.nodes = graph.nodes.flatMap((node): EditableNode[] => {
    const [name = '', indices = ''] = node.inputs;
    const tensor = node.op === 'Gather' ? graph.tensors.get(name) : undefined;
    if (tensor?.type !== TYPES.float32) return [node];
    const output = node.outputs[0] as string;
    stored(graph, name, tensor);
    const gather = { ...node, inputs: [`${name}_quantized`, indices], outputs: [`${output}_rows`] };
    const back = [`${output}_rows`, `${name}_scale`, `${name}_zero_point`];
    return [gather, nodeOf('DequantizeLinear', back, [output])];
  });
  dropUnread(graph);
}

/** 4 bits in blocks along K. @param given zeroPoints: each block has its own middle; embedding: it, too, is in blocks */
export function quantise4(graph: EditableGraph, given: { zeroPoints?: boolean; embedding?: boolean } = {}): void {
  const { zeroPoints = false, embedding = false } = given;
  replaceProducts(graph, (node, matrix) => {
    const { name, K, N } = matrix;
    const { codes, scales, zeros, blocks } = inBlocks(transposed(matrix), N, K, zeroPoints);
    const parts = ['_Q4', '_scales', ...(zeroPoints ? ['_zero_points'] : [])].map((part) => name + part);
    graph.tensors.set(`${name}_Q4`, { type: TYPES.uint8, dims: [N, blocks, BLOCK / 2], raw: codes });
    graph.tensors.set(`${name}_scales`, { type: TYPES.float32, dims: [N * blocks], raw: bytesOf(scales) });
    if (zeroPoints) graph.tensors.set(`${name}_zero_points`, { type: TYPES.uint8, dims: [zeros.length], raw: zeros });
    const attributes = { K, N, bits: 4, block_size: BLOCK };
    return [nodeOf('MatMulNBits', [node.inputs[0] as string, ...parts], node.outputs, attributes, MICROSOFT)];
  });
  if (embedding)
    graph.nodes = graph.nodes.map((node) => {
      const [name = '', indices = ''] = node.inputs;
      const data = node.op === 'Gather' && indices === 'input_ids' ? floatsOf(graph.tensors.get(name)) : undefined;
      if (data === undefined) return node;
      const [rows = 0, width = 0] = graph.tensors.get(name)?.dims ?? [];
      const { codes, scales, blocks } = inBlocks(data, rows, width, false);
      const perRow = (blocks * BLOCK) / 2;
      const kept = Uint8Array.from({ length: (rows * width) / 2 }, (_, i) => {
        return codes[Math.floor(i / (width / 2)) * perRow + (i % (width / 2))] as number;
      });
      graph.tensors.set(`${name}_G4`, { type: TYPES.uint4, dims: [rows, width], raw: kept });
      graph.tensors.set(`${name}_G_scales`, { type: TYPES.float32, dims: [rows, blocks], raw: bytesOf(scales) });
      const middle = new Uint8Array((rows * blocks + 1) >> 1).fill(0x88);
      graph.tensors.set(`${name}_G_zeros`, { type: TYPES.uint4, dims: [rows, blocks], raw: middle });
      const inputs = [`${name}_G4`, indices, `${name}_G_scales`, `${name}_G_zeros`];
      const attributes = { block_size: BLOCK, gather_axis: 0, quantize_axis: 1 };
      return nodeOf('GatherBlockQuantized', inputs, node.outputs, attributes, MICROSOFT);
    });
  dropUnread(graph);
}

/** The codes of bitsandbytes' NF4, without regard to rows. */
export function quantiseBnb4(graph: EditableGraph): void {
  replaceProducts(graph, (node, matrix) => {
    const { name, K, N } = matrix;
    const data = transposed(matrix);
    const most = Float32Array.from({ length: Math.ceil(data.length / BNB_BLOCK) }, (_, block) =>
      data.subarray(block * BNB_BLOCK, (block + 1) * BNB_BLOCK).reduce((max, x) => Math.max(max, Math.abs(x)), 0),
    );
    const codes = Uint8Array.from(data, (x, i) => nearest(x / (most[Math.floor(i / BNB_BLOCK)] || 1)));
    const packed = Uint8Array.from({ length: (codes.length + 1) >> 1 }, (_, i) => {
      return ((codes[2 * i] as number) << 4) | (codes[2 * i + 1] ?? 0);
    });
    graph.tensors.set(`${name}_Bnb4`, { type: TYPES.uint8, dims: [packed.length], raw: packed });
    graph.tensors.set(`${name}_absmax`, { type: TYPES.float32, dims: [most.length], raw: bytesOf(most) });
    const inputs = [node.inputs[0] as string, `${name}_Bnb4`, `${name}_absmax`];
    const attributes = { K, N, block_size: BNB_BLOCK, quant_type: 1 };
    return [nodeOf('MatMulBnb4', inputs, node.outputs, attributes, MICROSOFT)];
  });
  dropUnread(graph);
}

/** The scale and zero point of a tensor in 8 bits. */
function range(data: Float32Array, signed: boolean): [scale: number, zero: number] {
  const low = data.reduce((a, b) => Math.min(a, b), 0);
  const high = data.reduce((a, b) => Math.max(a, b), 0);
  if (signed) return [Math.max(-low, high) / 127 || 1, 0];
  const scale = (high - low) / 255 || 1;
  return [scale, Math.round(-low / scale)];
}

function eightBits(data: Float32Array, dims: number[], signed: boolean): EditableTensor {
  const [scale, zero] = range(data, signed);
  const codes = signed
    ? Int8Array.from(data, (x) => Math.max(-127, Math.min(127, Math.round(x / scale))))
    : Uint8Array.from(data, (x) => Math.max(0, Math.min(255, Math.round(x / scale) + zero)));
  return { type: signed ? TYPES.int8 : TYPES.uint8, dims, raw: bytesOf(codes) };
}

/** Rows of numbers in blocks of 4-bit codes, two a byte, the first one low. */
function inBlocks(
  data: Float32Array,
  rows: number,
  width: number,
  zeroPoints: boolean,
): { codes: Uint8Array; scales: Float32Array; zeros: Uint8Array; blocks: number } {
  const blocks = Math.ceil(width / BLOCK);
  const codes = new Uint8Array((rows * blocks * BLOCK) / 2);
  const scales = new Float32Array(rows * blocks);
  const perRow = Math.ceil(blocks / 2);
  const zeros = new Uint8Array(rows * perRow);
  for (let row = 0; row < rows; row++)
    for (let block = 0; block < blocks; block++) {
      const part = data.subarray(row * width + block * BLOCK, row * width + Math.min(width, (block + 1) * BLOCK));
      const low = part.reduce((a, b) => Math.min(a, b), 0);
      const high = part.reduce((a, b) => Math.max(a, b), 0);
      const scale = (zeroPoints ? (high - low) / 15 : (-low > high ? low : high) / -8) || 1;
      const zero = zeroPoints ? Math.max(0, Math.min(15, Math.round(-low / scale))) : 8;
      const at = row * blocks + block;
      scales[at] = scale;
      zeros[row * perRow + (block >> 1)]! |= zero << (4 * (block % 2));
      for (let i = 0; i < BLOCK; i++) {
        const code = Math.max(0, Math.min(15, Math.round((part[i] ?? 0) / scale) + zero));
        codes[(at * BLOCK + i) >> 1]! |= code << (4 * (i % 2));
      }
    }
  return { codes, scales, zeros, blocks };
}

function nearest(x: number): number {
  let best = 0;
  for (const [code, value] of NF4.entries()) if (Math.abs(value - x) < Math.abs((NF4[best] as number) - x)) best = code;
  return best;
}

/** [K, N] → [N, K] */
function transposed({ data, K, N }: Pick<Matrix, 'data' | 'K' | 'N'>): Float32Array {
  return Float32Array.from({ length: K * N }, (_, i) => data[(i % K) * N + Math.floor(i / K)] as number);
}

/** Takes away the tensors that nobody reads any more. */
function dropUnread(graph: EditableGraph): void {
  const read = new Set(graph.outputs.map(({ name }) => name));
  const visit = (each: EditableGraph): void => {
    for (const node of each.nodes) {
      for (const name of node.inputs) read.add(name);
      graphsIn(node).forEach(visit);
    }
    for (const { name } of each.outputs) read.add(name);
  };
  visit(graph);
  for (const name of graph.tensors.keys()) if (!read.has(name)) graph.tensors.delete(name);
}
