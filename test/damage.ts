// Damages model files, for tests: finds a tensor in an ONNX file and puts another in its place (onnx/onnx.proto gives the numbers).

import { concat, fields, lengthField, stringField, text, varintField, type Field } from '../src/engine/protobuf';

const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_DIMS = 1;
const TENSOR_NAME = 8;
const TENSOR_RAW = 9;
const TENSOR_EXTERNAL = 13;
const TENSOR_LOCATION = 14;

/**
 * The file with one of its weights changed.
 * @param change gives the fields of the tensor that takes its place
 * @throws RangeError where there is no such weight
 */
function withTensor(onnx: Uint8Array, name: string, change: (tensor: Field[]) => Uint8Array[]): Uint8Array {
  const found: string[] = [];
  const graphOf = (graph: Field): Uint8Array =>
    concat(
      fields(graph.bytes).map((field) => {
        if (field.number !== GRAPH_INITIALIZER) return field.whole;
        const tensor = fields(field.bytes);
        if (!tensor.some((part) => part.number === TENSOR_NAME && text(part) === name)) return field.whole;
        found.push(name);
        return lengthField(GRAPH_INITIALIZER, concat(change(tensor)));
      }),
    );
  const changed = concat(
    fields(onnx).map((field) =>
      field.number === MODEL_GRAPH ? lengthField(MODEL_GRAPH, graphOf(field)) : field.whole,
    ),
  );
  if (found.length === 0) throw new RangeError(`no weight ${name}`);
  return changed;
}

/** The file with all numbers of a float32 weight changed. */
export function withWeight(onnx: Uint8Array, name: string, value: number): Uint8Array {
  return withTensor(onnx, name, (tensor) =>
    tensor.map((field) =>
      field.number === TENSOR_RAW
        ? lengthField(TENSOR_RAW, new Uint8Array(new Float32Array(field.bytes.length / 4).fill(value).buffer))
        : field.whole,
    ),
  );
}

/** The file with another shape declared for a weight; its data stays. */
export function withShape(onnx: Uint8Array, name: string, dims: readonly number[]): Uint8Array {
  return withTensor(onnx, name, (tensor) => [
    ...dims.map((size) => varintField(TENSOR_DIMS, size)),
    ...tensor.filter(({ number }) => number !== TENSOR_DIMS).map(({ whole }) => whole),
  ]);
}

/** The file with a weight moved into another file beside it, and that file's content. */
export function withExternalWeight(
  onnx: Uint8Array,
  name: string,
  file: string,
): { graph: Uint8Array; data: Uint8Array } {
  let data = new Uint8Array();
  const entry = (key: string, value: string): Uint8Array =>
    lengthField(TENSOR_EXTERNAL, concat([stringField(1, key), stringField(2, value)]));
  const graph = withTensor(onnx, name, (tensor) => {
    data = Uint8Array.from(tensor.find(({ number }) => number === TENSOR_RAW)?.bytes ?? []);
    return [
      ...tensor.filter(({ number }) => number !== TENSOR_RAW).map(({ whole }) => whole),
      entry('location', file),
      varintField(TENSOR_LOCATION, 1),
    ];
  });
  return { graph, data };
}
