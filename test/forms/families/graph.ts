// A family's whole graph in a form, and its model folder.

import { GraphWriter, type Naming, type ValueInfo } from '../../onnxWriter';
import { cacheShapes, plainAttention, type Attend } from './attention';
import { CONTEXT, linear, numbers, VOCAB, type Family, type FormName, type Tools } from './family';
import { fusedAttention } from './fused';
import { feedForward, norm } from './parts';
import { positionsOfMask, type Lengths } from './positions';

const OPSET = 17;
/** How much smaller embeddings are than other matrices. */
const SMALL = 0.15;

/** The bytes of the ONNX file. */
export function familyGraph(f: Family, form: FormName): Uint8Array {
  const naming: Naming = form.startsWith('builder') ? 'genai' : 'torch';
  const top = new GraphWriter(naming);
  const tools = toolsFor(top, f, form);
  const merged = form === 'optimum, merged';
  if (merged) {
    const branch = (cached: boolean): { graph: Uint8Array } => {
      const g = new GraphWriter(naming);
      decoder({ ...tools, g, cached });
      return { graph: g.graph([], outputs(f, form)) };
    };
    const names = outputs(f, form).map(({ name }) => name);
    const branches = { then_branch: branch(true), else_branch: branch(false) };
    top.nodes('If', ['use_cache_branch'], names, branches);
  } else decoder(tools);
  return top.finish(inputs(f, form), outputs(f, form), OPSET);
}

/** Where the weights lie in the folder. */
export function weightsFile(form: FormName): string {
  return form === 'optimum, merged' ? 'decoder_model_merged' : 'model';
}

function toolsFor(top: GraphWriter, f: Family, form: FormName): Tools {
  const known = new Set<string>();
  const once = (name: string, add: () => void): string => {
    if (!known.has(name)) add();
    known.add(name);
    return name;
  };
  return {
    g: top,
    f,
    form,
    cached: true,
    float: (name, data, dims) => once(name, () => top.float(name, data, dims)),
    bools: (name, data, dims) => once(name, () => top.bools(name, data, dims)),
    weight: (name, dims, middle) => once(name, () => top.float(name, numbers(name, dims, middle), dims)),
  };
}

/** From ids to logits. */
function decoder(tools: Tools): void {
  const { g, f, form } = tools;
  const { attend, at } = form.startsWith('builder')
    ? { attend: fusedAttention(tools), at: undefined }
    : plainAttention(tools);
  let x = embedding(tools, at);
  for (let layer = 0; layer < f.layers; layer++) x = block(tools, x, layer, attend);
  const last = norm(tools, x, 'model.norm', f.hidden, f.untied ? 1 : 1 / SMALL);
  const s = g.under('/lm_head');
  const bias = f.biases?.logits ?? false;
  const matrix = f.untied ? undefined : s.node('Transpose', ['model.embed_tokens.weight'], { perm: [1, 0] });
  let logits =
    matrix === undefined ? linear(tools, last, 'lm_head', [f.hidden, VOCAB], bias) : s.node('MatMul', [last, matrix]);
  if (f.logitScale !== undefined) logits = s.node('Mul', [logits, s.scalar(f.logitScale)]);
  if (f.logitCap !== undefined) {
    const capped = s.node('Tanh', [s.node('Div', [logits, s.scalar(f.logitCap)])]);
    logits = s.node('Mul', [capped, s.scalar(f.logitCap)]);
  }
  s.node('Identity', [logits], {}, 'logits');
}

function embedding(tools: Tools, at: Lengths | undefined): string {
  const { g, f, float, weight } = tools;
  const s = g.under('/model/embed_tokens');
  const name = 'model.embed_tokens.weight';
  // As numbers of a matrix [hidden, vocab], for logits may be products with it; small beside what the layers add, or a tied model would
  // say what it has just read.
  const small = numbers(name, [f.hidden, VOCAB]).map((x) => (x * SMALL) / (f.embeddingScale ?? 1));
  const table = float(name, small, [VOCAB, f.hidden]);
  let x = s.node('Gather', [table, 'input_ids'], { axis: 0 });
  if (f.embeddingScale !== undefined) x = s.node('Mul', [x, s.scalar(f.embeddingScale)]);
  if (f.learned !== undefined && at !== undefined) {
    const { offset, from } = f.learned;
    const rows = weight('model.embed_positions.weight', [CONTEXT + offset, f.hidden]);
    const place = from === 'attention_mask' ? positionsOfMask(tools, at) : at.positions;
    const row = offset === 0 ? place : s.node('Add', [place, s.ints([offset], [])]);
    x = s.node('Add', [x, s.node('Gather', [rows, row], { axis: 0 })]);
  }
  return f.embeddingNorm ? norm(tools, x, 'model.embed_norm', f.hidden, SMALL) : x;
}

/** A layer, with its norms where the family has them. */
function block(tools: Tools, x: string, layer: number, attend: Attend): string {
  const { g, f } = tools;
  const module = `model.layers.${layer}`;
  const s = g.under(`/model/layers.${layer}`);
  const { hidden, heads, headDim, residualScale } = f;
  const attention = (y: string): string =>
    linear(
      tools,
      attend(y, layer, `${module}.self_attn`),
      `${module}.self_attn.o_proj`,
      [heads * headDim, hidden],
      f.biases?.out ?? false,
    );
  const network = (y: string): string => feedForward(tools, y, `${module}.mlp`);
  const normed = (y: string, name: string): string => norm(tools, y, `${module}.${name}`);
  const add = (a: string, b: string): string =>
    s.node('Add', [a, residualScale === undefined ? b : s.node('Mul', [b, s.scalar(residualScale)])]);
  switch (f.block) {
    case 'before': {
      const sum = add(x, attention(normed(x, 'input_layernorm')));
      return add(sum, network(normed(sum, 'post_attention_layernorm')));
    }
    case 'after': {
      const sum = add(x, normed(attention(x), 'post_attention_layernorm'));
      return add(sum, normed(network(sum), 'post_feedforward_layernorm'));
    }
    case 'around': {
      const sum = add(x, normed(attention(normed(x, 'input_layernorm')), 'post_attention_layernorm'));
      const fed = network(normed(sum, 'pre_feedforward_layernorm'));
      return add(sum, normed(fed, 'post_feedforward_layernorm'));
    }
    case 'parallel': {
      const y = normed(x, 'input_layernorm');
      return add(s.node('Add', [attention(y), network(y)]), x);
    }
    case 'parallel, two norms': {
      const fed = network(normed(x, 'post_attention_layernorm'));
      return add(s.node('Add', [fed, attention(normed(x, 'input_layernorm'))]), x);
    }
  }
}

function inputs(f: Family, form: FormName): ValueInfo[] {
  const ids = (name: string, length: string): ValueInfo => ({ name, type: 'int64', shape: ['batch_size', length] });
  const positions = f.positions || form === 'builder, MultiHeadAttention' || (form === 'builder' && f.headNorms);
  const branch: ValueInfo = { name: 'use_cache_branch', type: 'bool', shape: [1] };
  return [
    ids('input_ids', 'sequence_length'),
    ids('attention_mask', 'total_sequence_length'),
    ...(positions ? [ids('position_ids', 'sequence_length')] : []),
    ...cache(f, form, 'past_key_values', 'past_sequence_length'),
    ...(form === 'optimum, merged' ? [branch] : []),
  ];
}

function outputs(f: Family, form: FormName): ValueInfo[] {
  return [
    { name: 'logits', type: 'float32', shape: ['batch_size', 'sequence_length', VOCAB] },
    ...cache(f, form, 'present', 'past_sequence_length + sequence_length'),
  ];
}

function cache(f: Family, form: FormName, prefix: string, positions: string): ValueInfo[] {
  return Array.from({ length: f.layers }, (_, layer) =>
    cacheShapes(f, form).map(({ part, shape }): ValueInfo => ({
      name: `${prefix}.${layer}.${part}`,
      type: 'float32',
      shape: shape(positions),
    })),
  ).flat();
}
