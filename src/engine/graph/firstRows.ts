// A graph of its own that takes the first rows of a cache, so that a cache on a GPU is cut there.

import { concat, lengthField, stringField, varintField } from '../protobuf';
import { makeNode, OnnxGraph } from './onnx';

/** Of onnx/onnx.proto: the numbers of fields, and versions that any runtime of ours reads. */
const MODEL = { irVersion: 1, graph: 7, opsetImport: 8 };
const IR_VERSION = 8;
const OPSET = 13;
/** The axis of the rows in [1, kvHead, position, headDim]. */
const ROWS_AXIS = 2;

/** int64 [1]: how many rows to keep. */
export const KEPT = 'kept';

/**
 * @param names inputs of the graph, each [1, kvHead, position, headDim]
 * @param outputOf the output that holds an input's first rows
 * @returns the bytes of an ONNX model
 */
export function firstRows(
  names: readonly { name: string; type: 'float32' | 'float16' }[],
  outputOf: (name: string) => string,
): Uint8Array<ArrayBuffer> {
  const graph = new OnnxGraph(
    concat([
      varintField(MODEL.irVersion, IR_VERSION),
      lengthField(MODEL.opsetImport, concat([stringField(1, ''), varintField(2, OPSET)])),
      lengthField(MODEL.graph, stringField(2, 'first rows')),
    ]),
  );
  graph.input(KEPT, 'int64');
  const start = graph.constant('start', 'int64', [0], [1]);
  const axis = graph.constant('axis', 'int64', [ROWS_AXIS], [1]);
  for (const { name, type } of names) {
    graph.input(name, type);
    graph.nodes.push(makeNode('Slice', [name, start, KEPT, axis], [outputOf(name)]));
    graph.output(outputOf(name));
  }
  return graph.encode();
}
