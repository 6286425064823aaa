// Rewrites an ONNX graph so that each layer's attention weights become an output. The weights of the model are not touched.
// Understood forms: the fused operators GroupQueryAttention (com.microsoft) and Attention (ONNX 23), which can return their softmax as an
// extra output; MultiHeadAttention (com.microsoft), which can return its masked scores (so ONNX Runtime 1.30 does on a CPU); and decomposed
// attention, whose Softmax node's result is simply made an output of the graph.

import { concat, fields, lengthField, stringField, text, varintField, type Field } from './protobuf';

// Field numbers of onnx.proto (github.com/onnx/onnx, onnx/onnx.proto).
const MODEL_GRAPH = 7;
const GRAPH_NODE = 1;
const GRAPH_OUTPUT = 12;
const GRAPH_VALUE_INFO = 13;
const NODE = { input: 1, output: 2, op: 4, attribute: 5 };
const ATTRIBUTE = { name: 1, i: 3, type: 20 };
const ATTRIBUTE_TYPE_INT = 2;
/** An output is declared by its name alone: the runtime infers whether it is float32 or float16. */
const VALUE_INFO = { name: 1, type: 2 };
/** TypeProto: a tensor of float32. */
const FLOAT32 = lengthField(VALUE_INFO.type, lengthField(1, varintField(1, 1)));

/** Fused operators: the attribute, and its value, that make output 3 the softmax [batch, head, query, key]; or that it is the masked scores. */
const FUSED: Record<string, Asked | 'scores'> = {
  GroupQueryAttention: { attribute: 'qk_output', value: 2 },
  Attention: { attribute: 'qk_matmul_output_mode', value: 3 },
  MultiHeadAttention: 'scores',
};

interface Asked {
  attribute: string;
  value: number;
}

export interface AttentionGraph {
  /** The changed model, ready to be loaded. */
  bytes: Uint8Array<ArrayBuffer>;
  /** For each layer, the name of the output with its weights [batch, head, query, key]. */
  outputs: string[];
}

/**
 * Makes the attention weights of every layer an output.
 * @param model bytes of an ONNX file
 * @param layers how many layers the model has
 * @returns undefined where not every layer's attention was recognised
 * @throws RangeError where the bytes are not an ONNX model
 */
export function exposeAttention(model: Uint8Array, layers: number): AttentionGraph | undefined {
  const modelFields = fields(model);
  const graphField = modelFields.find((field) => field.number === MODEL_GRAPH);
  if (graphField === undefined) return undefined;
  const outputs: (string | undefined)[] = new Array<undefined>(layers).fill(undefined);
  const layerOf = new Map<string, number>(); // value name → highest layer whose cache it depends on
  const parts: Uint8Array[] = [];

  for (const field of fields(graphField.bytes)) {
    if (field.number !== GRAPH_NODE) {
      parts.push(field.whole);
      continue;
    }
    const node = readNode(field);
    const layer = node.inputs.reduce(
      (highest, name) => Math.max(highest, layerOfInput(name) ?? layerOf.get(name) ?? -1),
      -1,
    );
    if (layer >= layers) return undefined;
    for (const name of node.outputs) layerOf.set(name, layer);

    const fused = FUSED[node.op];
    if (fused !== undefined && layer >= 0) {
      const name = `glassbox.attention.${layer}`;
      if (fused === 'scores') parts.push(...withScores(field, node, name));
      else parts.push(withOutput(field, node, name, fused));
      outputs[layer] = name;
    } else {
      parts.push(field.whole);
      // The first Softmax that depends on a layer's cache is that layer's attention: what follows belongs to the next block.
      if (node.op === 'Softmax' && layer >= 0) outputs[layer] ??= node.outputs[0];
    }
  }
  if (!outputs.every((name) => name !== undefined)) return undefined;
  for (const name of outputs) parts.push(lengthField(GRAPH_OUTPUT, stringField(VALUE_INFO.name, name)));
  const graph = concat(parts);
  return {
    bytes: concat(modelFields.map((field) => (field === graphField ? lengthField(MODEL_GRAPH, graph) : field.whole))),
    outputs,
  };
}

interface Node {
  op: string;
  inputs: string[];
  outputs: string[];
  fields: Field[];
}

function readNode(field: Field): Node {
  const inside = fields(field.bytes);
  const texts = (number: number): string[] => inside.filter((f) => f.number === number).map(text);
  return { op: texts(NODE.op)[0] ?? '', inputs: texts(NODE.input), outputs: texts(NODE.output), fields: inside };
}

function layerOfInput(name: string): number | undefined {
  const match = /^past_key_values\.(\d+)\./.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** The node with a fourth output of this name, and the attribute that asks for it. */
function withOutput(field: Field, node: Node, name: string, asked?: Asked): Uint8Array {
  const kept = node.fields.filter(
    (f) => f.number !== NODE.output && !(f.number === NODE.attribute && attributeName(f) === asked?.attribute),
  );
  const outputs = [node.outputs[0] ?? '', node.outputs[1] ?? '', node.outputs[2] ?? '', name];
  const attribute =
    asked === undefined
      ? []
      : [
          stringField(ATTRIBUTE.name, asked.attribute),
          varintField(ATTRIBUTE.i, asked.value),
          varintField(ATTRIBUTE.type, ATTRIBUTE_TYPE_INT),
        ];
  const bytes = concat([
    ...kept.map((f) => f.whole),
    ...outputs.map((output) => stringField(NODE.output, output)),
    ...(asked === undefined ? [] : [lengthField(NODE.attribute, concat(attribute))]),
  ]);
  return lengthField(field.number, bytes);
}

/** The node with its scores as a fourth output, whose type nothing tells the runtime, and their softmax under this name. */
function withScores(field: Field, node: Node, name: string): Uint8Array[] {
  const scores = `${name}.scores`;
  const softmax = [stringField(NODE.input, scores), stringField(NODE.output, name), stringField(NODE.op, 'Softmax')];
  return [
    lengthField(GRAPH_VALUE_INFO, concat([stringField(VALUE_INFO.name, scores), FLOAT32])),
    withOutput(field, node, scores),
    lengthField(field.number, concat(softmax)), // over the last axis, by default
  ];
}

function attributeName(field: Field): string | undefined {
  const name = fields(field.bytes).find((f) => f.number === ATTRIBUTE.name);
  return name === undefined ? undefined : text(name);
}
