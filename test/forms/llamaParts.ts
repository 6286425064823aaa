// The parts of a Llama-like graph besides its attention, as three kinds of exporters write them.

import type { Tools } from './llama';
import type { Naming } from '../onnxWriter';

/** The scope of a module's nodes: /model/layers.0/self_attn/q_proj. */
export function scopeOf(module: string, naming: Naming): string {
  const path = `/${module.replaceAll('.', '/').replace(/layers\/(\d+)/, 'layers.$1')}`;
  return naming === 'genai' ? path.replace('self_attn', 'attn') : path;
}

/** x [.., in] times a module's matrix [out, in] transposed → [.., out]; the embedding is the output's, unless that has its own. */
export function linear({ g, w, options, float }: Tools, x: string, module: string, output?: string): string {
  const name = module === 'lm_head' && !w.untied ? 'model.embed_tokens.weight' : `${module}.weight`;
  const dims = w.names.get(name) as [number, number];
  const scope = g.under(scopeOf(module, options.naming));
  const inBuilder = module.replace('self_attn', 'attn');
  const matrix = (): string => {
    if (options.naming === 'plain') {
      if (module !== 'lm_head' || w.untied) float(name, w.tensor(name), dims);
      return scope.node('Transpose', [name], { perm: [1, 0] });
    }
    const stored = options.naming === 'torch' ? `onnx::MatMul_${module}` : `${inBuilder}.MatMul.weight`;
    return float(stored, transposed(w.tensor(name), dims), [dims[1], dims[0]]);
  };
  const product = scope.node('MatMul', [x, matrix()], {}, output);
  const bias = w.names.get(`${module}.bias`);
  if (bias === undefined) return product;
  const stored = options.naming === 'genai' ? `${inBuilder}.Add.bias` : `${module}.bias`;
  const added = float(stored, w.tensor(`${module}.bias`), bias);
  return scope.node('Add', options.naming === 'torch' ? [added, product] : [product, added]);
}

/** [rows, columns] → [columns, rows] */
export function transposed(data: Float32Array, [rows, columns]: [number, number]): Float32Array {
  return Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)] as number);
}

/** The weight of a norm. */
export function normWeight({ w, float }: Tools, module: string): string {
  const name = `${module}.weight`;
  return float(name, w.tensor(name), w.names.get(name) as number[]);
}

/** RMSNorm over the last axis: an operator, or taken apart in one of two ways. */
export function norm(tools: Tools, x: string, module: string): string {
  const { g, w, options, scalar, floatType } = tools;
  const scope = g.under(scopeOf(module, options.naming));
  const weight = normWeight(tools, module);
  if (options.naming === 'genai') {
    const attributes = { axis: -1, epsilon: { float: w.rmsEps }, stash_type: 1 };
    return scope.node('SimplifiedLayerNormalization', [x, weight], attributes);
  }
  if (options.naming === 'plain') {
    const meanSquare = scope.node('ReduceMean', [scope.node('Mul', [x, x])], { axes: [-1], keepdims: 1 });
    const size = scope.node('Sqrt', [scope.node('Add', [meanSquare, scope.scalar(w.rmsEps)])]);
    return scope.node('Mul', [scope.node('Div', [x, size]), weight]);
  }
  const whole = scope.node('Cast', [x], { to: floatType });
  const squares = scope.node('Pow', [whole, scalar(scope, 2)]);
  const mean =
    (options.opset ?? 17) < 18
      ? scope.node('ReduceMean', [squares], { axes: [-1], keepdims: 1 })
      : scope.node('ReduceMean', [squares, scope.ints([-1])], { keepdims: 1 });
  const size = scope.node('Sqrt', [scope.node('Add', [mean, scalar(scope, w.rmsEps)])]);
  const normed = scope.node('Mul', [whole, scope.node('Div', [scalar(scope, 1), size])]);
  return scope.node('Mul', [weight, scope.node('Cast', [normed], { to: floatType })]);
}

/** SwiGLU, or a mixture of several, weighted by a softmax over them. */
export function feedForward(tools: Tools, x: string, module: string): string {
  const { g, w, options, linear } = tools;
  const expert = (name: string): string => {
    const scope = g.under(scopeOf(name, options.naming));
    const gate = linear(x, `${name}.gate_proj`);
    const act = g.under(`${scopeOf(name, options.naming)}/act_fn`);
    const active = act.node('Mul', [gate, act.node('Sigmoid', [gate])]);
    return linear(scope.node('Mul', [active, linear(x, `${name}.up_proj`)]), `${name}.down_proj`);
  };
  if (w.experts === undefined) return expert(module);
  const scope = g.under(scopeOf(module, options.naming));
  const shares = scope.node('Softmax', [linear(x, `${module}.gate`)], { axis: -1 }); // [batch, query, expert]
  return scope
    .nodes('Split', [shares], w.experts, { axis: -1 })
    .map((share, e) => scope.node('Mul', [share, expert(`${module}.experts.${e}`)]))
    .reduce((sum, given) => scope.node('Add', [sum, given]));
}

/**
 * Tables of the rotary embedding for positions 0 … context − 1.
 * @param columns rotaryDim / 2, or rotaryDim where both halves are written out
 * @returns the names of cos and sin [position, columns]
 */
export function rotaryTables({ w, float }: Tools, columns: number): [string, string] {
  const turned = w.rotaryDim ?? w.headDim;
  const half = turned / 2;
  const table = (f: (x: number) => number): Float32Array =>
    Float32Array.from({ length: w.context * columns }, (_, i) =>
      f(Math.floor(i / columns) * w.ropeTheta ** ((-2 * ((i % columns) % half)) / turned)),
    );
  const dims = [w.context, columns];
  return [float('cos_cache', table(Math.cos), dims), float('sin_cache', table(Math.sin), dims)];
}
