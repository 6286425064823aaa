// Float32 model folders in the data types in which the hub has exports of models, with the names that files have there.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { concat, fields, lengthField, stringField, varintField } from '../../src/engine/protobuf';
import { edited, type EditableGraph } from './editable';
import { makeHalf, type HalfEdges } from './half';
import { foldTransposes, quantise4, quantise8, quantiseBnb4 } from './quantised';

/** A data type, as an exporter writes it. */
export interface DataType {
  name: string;
  /** Its name in transformers.js. */
  dtype: 'fp32' | 'fp16' | 'q8' | 'int8' | 'uint8' | 'q4' | 'q4f16' | 'bnb4';
  /** Name of the ONNX file in `onnx/`. */
  file: string;
  /** Cache inputs are float16. */
  halfCache: boolean;
  /** Weights lie in a file beside the graph. */
  external?: boolean;
  change: (graph: EditableGraph) => void;
  /** How like the float32 model's its logits must be: the cosine between them. */
  likeness: number;
  /** How far logits of magnitude 3 may lie from each other where the same tokens are run together, in another graph. */
  tolerance: number;
  /** The same where other tokens are run together. */
  apart: number;
}

const half =
  (edges: HalfEdges, before: (graph: EditableGraph) => void = () => undefined): DataType['change'] =>
  (graph) => {
    foldTransposes(graph);
    before(graph);
    makeHalf(graph, edges);
  };
const quantised =
  (change: DataType['change']): DataType['change'] =>
  (graph) => {
    foldTransposes(graph);
    change(graph);
  };
const blocks = (graph: EditableGraph): void => quantise4(graph);

const FP16 = { dtype: 'fp16', file: 'model_fp16.onnx', likeness: 0.999, tolerance: 0.03, apart: 0.03 } as const;
/** Activations are quantised by the range that the tokens of a run have in common: it depends on which tokens are run together. */
const EIGHT = { halfCache: false, likeness: 0.97, tolerance: 0.1, apart: 0.4 } as const;
const FOUR = {
  dtype: 'q4',
  file: 'model_q4.onnx',
  halfCache: false,
  likeness: 0.9,
  tolerance: 1e-3,
  apart: 1e-3,
} as const;

export const DATA_TYPES: readonly DataType[] = [
  { name: 'fp16', ...FP16, halfCache: true, change: half('half') },
  { name: 'fp16, edges float32', ...FP16, halfCache: false, change: half('kept') },
  { name: 'fp16, logits float32', ...FP16, halfCache: true, change: half('cache') },
  { name: 'q8', dtype: 'q8', file: 'model_quantized.onnx', ...EIGHT, change: quantised((g) => quantise8(g, true)) },
  { name: 'int8', dtype: 'int8', file: 'model_int8.onnx', ...EIGHT, change: quantised((g) => quantise8(g, true)) },
  { name: 'uint8', dtype: 'uint8', file: 'model_uint8.onnx', ...EIGHT, change: quantised((g) => quantise8(g, false)) },
  { name: 'q4', ...FOUR, change: quantised(blocks) },
  { name: 'q4, zero points', ...FOUR, change: quantised((g) => quantise4(g, { zeroPoints: true })) },
  { name: 'q4, embedding in blocks', ...FOUR, change: quantised((g) => quantise4(g, { embedding: true })) },
  { name: 'q4, weights outside', ...FOUR, external: true, change: quantised(blocks) },
  {
    name: 'q4f16',
    dtype: 'q4f16',
    file: 'model_q4f16.onnx',
    halfCache: true,
    likeness: 0.9,
    tolerance: 0.03,
    apart: 0.03,
    change: half('half', blocks),
  },
  {
    name: 'q4f16, edges float32',
    dtype: 'q4f16',
    file: 'model_q4f16.onnx',
    halfCache: false,
    likeness: 0.9,
    tolerance: 0.03,
    apart: 0.03,
    change: half('kept', blocks),
  },
  {
    name: 'bnb4',
    dtype: 'bnb4',
    file: 'model_bnb4.onnx',
    halfCache: false,
    likeness: 0.9,
    tolerance: 1e-3,
    apart: 1e-3,
    change: quantised(quantiseBnb4),
  },
];

/** The model in another data type. @param model a float32 ONNX file */
export function inDataType(model: Uint8Array, type: DataType): Uint8Array<ArrayBuffer> {
  return edited(model, type.change);
}

/**
 * Turns a folder with `onnx/model.onnx`, float32, into one of a data type alone, config.json included.
 * @param base the graph's name, where it is another
 */
export function convertFolder(dir: string, type: DataType, base = 'model'): void {
  const original = join(dir, 'onnx', `${base}.onnx`);
  const model = inDataType(readFileSync(original), type);
  rmSync(original);
  writeWeights(join(dir, 'onnx'), model, { ...type, file: type.file.replace('model', base) });
  const path = join(dir, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const settings = {
    ...(type.halfCache && { kv_cache_dtype: { [type.dtype]: 'float16' } }),
    ...(type.external === true && { use_external_data_format: { [type.file]: true } }),
  };
  writeFileSync(path, JSON.stringify({ ...config, 'transformers.js_config': settings }));
}

/** Writes a model's file into a folder, and its weights beside it where its type says so. */
export function writeWeights(folder: string, model: Uint8Array, { file, external }: DataType): void {
  mkdirSync(folder, { recursive: true });
  const data = `${file}_data`;
  const [graph, outside] = external === true ? outsourced(model, data) : [model, undefined];
  writeFileSync(join(folder, file), graph);
  if (outside !== undefined) writeFileSync(join(folder, data), outside);
}

/** Tensors of fewer bytes stay in the graph: onnx's own default of size_threshold. */
const LEAST_OUTSIDE = 1024;

/** A model whose large tensors lie in a file of their own, and that file. */
function outsourced(model: Uint8Array, location: string): [Uint8Array, Uint8Array] {
  const outside: Uint8Array[] = [];
  let offset = 0;
  const entry = (key: string, value: string): Uint8Array =>
    lengthField(13, concat([stringField(1, key), stringField(2, value)]));
  const graphOf = (bytes: Uint8Array): Uint8Array =>
    concat(
      fields(bytes).map((field) => {
        if (field.number !== 5) return field.whole;
        const parts = fields(field.bytes);
        const raw = parts.find(({ number }) => number === 9)?.bytes;
        if (raw === undefined || raw.length < LEAST_OUTSIDE) return field.whole;
        outside.push(raw);
        const where = [
          entry('location', location),
          entry('offset', String(offset)),
          entry('length', String(raw.length)),
        ];
        offset += raw.length;
        const rest = parts.filter(({ number }) => number !== 9).map(({ whole }) => whole);
        return lengthField(5, concat([...rest, ...where, varintField(14, 1)]));
      }),
    );
  const graph = fields(model).map((field) => (field.number === 7 ? lengthField(7, graphOf(field.bytes)) : field.whole));
  return [concat(graph), concat(outside)];
}
