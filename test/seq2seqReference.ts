// What small encoder–decoder models must compute, as slowly and plainly as it can be written: no cache, float64, all tokens anew.
// T5: Raffel et al. 2020 (arXiv:1910.10683), §2.1; buckets of positions as in the authors' code. Marian: Vaswani et al. 2017 (arXiv:1706.03762).

import { EPSILON, type Seq2SeqWeights } from './forms/seq2seq/shape';

type Rows = number[][];

/** The logits [written, vocab] after each token that was written, about a text that was read. */
export function seq2seqForward(w: Seq2SeqWeights, read: readonly number[], written: readonly number[]): Rows {
  const source = stack(w, 'encoder', embed(w, read), undefined);
  const states = stack(w, 'decoder', embed(w, written), source);
  if (w.family === 'marian') {
    const bias = w.tensor('logits.bias');
    return states.map((row) => againstEmbedding(w, row).map((x, id) => x + (bias[id] as number)));
  }
  return w.tied
    ? states.map((row) =>
        againstEmbedding(
          w,
          row.map((x) => x / Math.sqrt(w.hidden)),
        ),
      )
    : times(w, states, 'output');
}

/** At most so many of the likeliest tokens, one after the other, about a text that was read. @param pad the decoder's first token */
export function greedily(
  w: Seq2SeqWeights,
  { pad, eos, modelType }: { pad: number; eos: number; modelType: string },
  read: readonly number[],
  tokens: number,
): number[] {
  const written = [pad];
  while (written.length <= tokens) {
    const row = seq2seqForward(w, read, written).at(-1) as number[];
    if (modelType === 'marian') row[pad] = -Infinity;
    const next = row.indexOf(Math.max(...row));
    if (next === eos) break;
    written.push(next);
  }
  return written.slice(1);
}

function embed(w: Seq2SeqWeights, ids: readonly number[]): Rows {
  const { hidden, family } = w;
  const [table, places] = [w.tensor('shared'), family === 'marian' ? w.tensor('positions') : undefined];
  return ids.map((id, at) =>
    Array.from({ length: hidden }, (_, j) => {
      const x = table[id * hidden + j] as number;
      return places === undefined ? x : x * Math.sqrt(hidden) + (places[at * hidden + j] as number);
    }),
  );
}

function stack(w: Seq2SeqWeights, side: 'encoder' | 'decoder', input: Rows, source: Rows | undefined): Rows {
  let x = input;
  for (let layer = 0; layer < w.layers; layer++) {
    const at = `${side}.${layer}`;
    const biases = w.family === 't5' ? `${side}.${w.ownBiases ? layer : 0}.buckets` : undefined;
    const steps: [string, (x: Rows) => Rows][] = [
      [`${at}.self.norm`, (y) => attend(w, `${at}.self`, y, y, side === 'decoder', biases)],
      ...(source === undefined
        ? []
        : [
            [`${at}.cross.norm`, (y) => attend(w, `${at}.cross`, y, source, false, undefined)] as [
              string,
              (x: Rows) => Rows,
            ],
          ]),
      [`${at}.ffn.norm`, (y) => feedForward(w, at, y)],
    ];
    // T5 norms what goes into a step, Marian what comes out of it.
    for (const [norm, step] of steps)
      x = w.family === 't5' ? sum(x, step(normed(w, x, norm))) : normed(w, sum(x, step(x)), norm);
  }
  return w.family === 't5' ? normed(w, x, `${side}.norm`) : x;
}

function attend(w: Seq2SeqWeights, at: string, x: Rows, y: Rows, causal: boolean, biases: string | undefined): Rows {
  const { heads, headDim, family } = w;
  const [q, k, v] = [times(w, x, `${at}.q`), times(w, y, `${at}.k`), times(w, y, `${at}.v`)];
  const scale = family === 't5' ? 1 : 1 / Math.sqrt(headDim); // T5's queries are made small by their weights
  const merged = x.map((_, query) => {
    const row: number[] = [];
    for (let head = 0; head < heads; head++) {
      const part = (rows: Rows, i: number): number[] =>
        (rows[i] as number[]).slice(head * headDim, (head + 1) * headDim);
      const scores = y.map((_, key) => {
        if (causal && key > query) return -Infinity;
        const bias =
          biases === undefined ? 0 : (w.tensor(biases)[bucketOf(w, key - query, causal) * heads + head] as number);
        return dot(part(q, query), part(k, key)) * scale + bias;
      });
      const most = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - most));
      const total = weights.reduce((a, b) => a + b, 0);
      for (let j = 0; j < headDim; j++)
        row.push(weights.reduce((all, weight, key) => all + (weight / total) * (part(v, key)[j] as number), 0));
    }
    return row;
  });
  return times(w, merged, `${at}.o`);
}

/** The bucket of a distance: near ones have their own, far ones share them by their logarithm. @param distance key − query */
export function bucketOf({ buckets, farthest }: Seq2SeqWeights, distance: number, causal: boolean): number {
  const half = causal ? buckets : buckets / 2;
  const first = !causal && distance > 0 ? half : 0;
  const far = causal ? Math.max(0, -distance) : Math.abs(distance);
  const exact = half / 2;
  if (far < exact) return first + far;
  const shared = exact + Math.floor((Math.log(far / exact) / Math.log(farthest / exact)) * (half - exact));
  return first + Math.min(shared, half - 1);
}

function feedForward(w: Seq2SeqWeights, at: string, x: Rows): Rows {
  const up = times(w, x, `${at}.up0`);
  const act = (y: number): number =>
    w.family === 'marian'
      ? y / (1 + Math.exp(-y))
      : w.gated
        ? 0.5 * y * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (y + 0.044715 * y ** 3)))
        : Math.max(0, y);
  const gates = w.gated ? times(w, x, `${at}.up1`) : undefined;
  const inner = up.map((row, i) => row.map((y, j) => act(y) * (gates === undefined ? 1 : (gates[i]?.[j] as number))));
  return times(w, inner, `${at}.down`);
}

function normed(w: Seq2SeqWeights, x: Rows, name: string): Rows {
  const scale = w.tensor(name);
  return x.map((row) => {
    const mean = w.family === 't5' ? 0 : row.reduce((a, b) => a + b, 0) / row.length;
    const variance = row.reduce((all, y) => all + (y - mean) ** 2, 0) / row.length;
    const root = Math.sqrt(variance + EPSILON[w.family]);
    return row.map((y, j) => {
      const value = ((y - mean) / root) * (scale[j] as number);
      return w.family === 't5' ? value : value + (w.tensor(`${name}.bias`)[j] as number);
    });
  });
}

/** Rows times a matrix [in, out], and its bias where the family has them. */
function times(w: Seq2SeqWeights, x: Rows, name: string): Rows {
  const [matrix, [, width = 0]] = [w.tensor(name), w.dims(name)];
  const bias = w.family === 'marian' ? w.tensor(`${name}.bias`) : undefined;
  return x.map((row) =>
    Array.from({ length: width }, (_, j) =>
      row.reduce((all, y, i) => all + y * (matrix[i * width + j] as number), bias?.[j] ?? 0),
    ),
  );
}

function againstEmbedding({ tensor, vocab, hidden }: Seq2SeqWeights, row: number[]): number[] {
  const table = tensor('shared');
  return Array.from({ length: vocab }, (_, id) =>
    row.reduce((all, y, j) => all + y * (table[id * hidden + j] as number), 0),
  );
}

function sum(a: Rows, b: Rows): Rows {
  return a.map((row, i) => row.map((x, j) => x + (b[i]?.[j] as number)));
}

function dot(a: number[], b: number[]): number {
  return a.reduce((all, x, i) => all + x * (b[i] as number), 0);
}
