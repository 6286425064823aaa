// The oracle for GPT-2 (Radford et al. 2019): its forward pass in double precision, without a cache. Slow on purpose.

import {
  add,
  isHidden,
  matVec,
  softmax,
  takeOut,
  type Forward,
  type Look,
  type Vector,
  type Without,
} from './reference';

/** Weights by their Hugging Face names; matrices are [out, in], row-major, and each has a bias. */
export interface Gpt2Weights {
  layers: number;
  hidden: number;
  heads: number;
  headDim: number;
  vocab: number;
  context: number;
  epsilon: number;
  /** Dimensions by tensor name. */
  names: Map<string, number[]>;
  tensor: (name: string) => Float32Array;
}

/** Runs `ids` through the model. */
export function gpt2Forward(w: Gpt2Weights, ids: readonly number[], { without, steps }: Look = {}): Forward {
  const row = (name: string, i: number): Vector =>
    Float64Array.from(w.tensor(name).subarray(i * w.hidden, (i + 1) * w.hidden));
  let x = ids.map((id, position) => add(row('transformer.wte.weight', id), row('transformer.wpe.weight', position)));
  const affine = (module: string, vector: Vector): Vector =>
    add(matVec(w.tensor(`${module}.weight`), vector), Float64Array.from(w.tensor(`${module}.bias`)));
  const attention: number[][][][] = [];
  for (let layer = 0; layer < w.layers; layer++) {
    const module = `transformer.h.${layer}`;
    const qkv = x.map((row) => affine(`${module}.attn.c_attn`, layerNorm(w, row, `${module}.ln_1`))); // [position][3 · hidden]
    const heads = Array.from({ length: w.heads }, (_, head) => ofHead(w, qkv, head, without));
    attention.push(heads.map(({ weights }) => weights));
    const mixed = x.map((_, position) => Float64Array.from(heads.flatMap((head) => head.mixed[position]!)));
    takeOut(without, layer, w.headDim, mixed);
    const [queries, keys, values] = [0, 1, 2].map((i) =>
      qkv.map((row) => row.subarray(i * w.hidden, (i + 1) * w.hidden)),
    ) as [Vector[], Vector[], Vector[]];
    steps?.(layer, { plainQueries: queries, plainKeys: keys, queries, keys, values, mixed });
    x = x.map((row, position) => add(row, affine(`${module}.attn.c_proj`, mixed[position]!)));
    x = x.map((row) => {
      const inner = affine(`${module}.mlp.c_fc`, layerNorm(w, row, `${module}.ln_2`)).map(gelu);
      return add(row, affine(`${module}.mlp.c_proj`, inner));
    });
  }
  const logits = x.map((row) => matVec(w.tensor('transformer.wte.weight'), layerNorm(w, row, 'transformer.ln_f')));
  return { logits, attention };
}

/** One head's weights [query][key], key ≤ query, and what they give [query][headDim]. */
function ofHead(
  { hidden, headDim }: Gpt2Weights,
  qkv: Vector[],
  head: number,
  without: Without | undefined,
): { weights: number[][]; mixed: number[][] } {
  const part = (row: Vector, which: number): Vector =>
    row.subarray(which * hidden + head * headDim, which * hidden + (head + 1) * headDim);
  const weights = qkv.map((row, query) =>
    softmax(
      qkv
        .slice(0, query + 1)
        .map((other, key) =>
          isHidden(without, query, key)
            ? -Infinity
            : part(row, 0).reduce((sum, q, d) => sum + q * part(other, 1)[d]!, 0) / Math.sqrt(headDim),
        ),
    ),
  );
  const mixed = weights.map((row) =>
    Array.from({ length: headDim }, (_, d) =>
      row.reduce((sum, weight, key) => sum + weight * part(qkv[key]!, 2)[d]!, 0),
    ),
  );
  return { weights, mixed };
}

/** (x − mean) / √(variance + ε) · weight + bias (Ba et al. 2016) */
function layerNorm({ tensor, epsilon }: Gpt2Weights, x: Vector, module: string): Vector {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  const [weight, bias] = [tensor(`${module}.weight`), tensor(`${module}.bias`)];
  return x.map((value, i) => ((value - mean) / Math.sqrt(variance + epsilon)) * weight[i]! + bias[i]!);
}

/** The approximation by tanh (Hendrycks and Gimpel 2016). */
function gelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}
