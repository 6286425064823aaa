// `npm run bench:attention`: what the arithmetic of the attention panel costs: time of each step and bytes of each message. Weights are
// random, but as sharp as those of models; every head has memory of its own.

import { performance } from 'node:perf_hooks';
import { Distribution } from '../../src/attention/distribution';
import { drawn } from '../../src/attention/drawn';
import { FigureSums, sumsOf } from '../../src/attention/figures';
import { classScores } from '../../src/attention/headClasses';
import { thumbnails } from '../../src/attention/overview';
import { patterns, type HeadToken } from '../../src/attention/patterns';
import { headMean, rollout, rolloutOfMeans } from '../../src/attention/rollout';
import { quantise, rowStart, triangleLength } from '../../src/attention/weights';
import { seededRandom, type Random } from '../../src/engine/random';
import { figure, table } from './table';

const SIDE = 32;
const ROUNDS = 7;
const WRITTEN = 48;
/** [layers, heads, tokens] */
const SIZES = [
  [6, 4, 256],
  [6, 4, 1024],
  [6, 4, 2048],
  [24, 14, 256],
  [24, 14, 1024],
] as const;
const VOCABULARIES = [8192, 152_000];

/** Weights of n queries, [query, n] with zeros after the diagonal, as a run of the model gives them. */
function randomRows(n: number, random: Random): Float32Array {
  const rows = new Float32Array(n * n);
  for (let q = 0; q < n; q++) {
    const sharp = 12 * random();
    let sum = 0;
    for (let k = 0; k <= q; k++) sum += rows[q * n + k] = Math.exp(sharp * (random() - 1));
    for (let k = 0; k <= q; k++) rows[q * n + k] = (rows[q * n + k] as number) / sum;
  }
  return rows;
}

function codeTokens(n: number): HeadToken[] {
  const words =
    'const| result| =| load|Items|(|path|,| limit|)|;|\n|    |for| (|const| item| of| items|)| {|\n|        |call|(|item|.|name|)|;|\n|    |}|\n'.split(
      '|',
    );
  return Array.from({ length: n }, (_, i) => {
    const at = i % words.length;
    const text = at % 5 === 3 ? `${words[at]}${i % 37}` : (words[at] as string);
    return { text, id: at * 100 + (at % 5 === 3 ? i % 37 : 0), special: i === 0 };
  });
}

/** The shortest of several times, in ms: on a busy machine the others measure other work, and in the first the code is compiled. */
function timed(work: () => unknown): number {
  work();
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return Math.min(...times);
}

const ms = (time: number): string => figure(time);
const bytes = (count: number): string => (count < 100_000 ? figure(count) : `${figure(count / 1024)} K`);

const times: string[][] = [['ms'], ['quantise, all rows'], [`${SIDE} × ${SIDE} pictures`], ['figures, all rows'], ['figures, one token more'], ['patterns'], ['classes'], ['means of heads'], ['rollout, one query'], ['rollout, from means'], ['drawn, one token']]; // prettier-ignore
const messages: string[][] = [
  ['bytes'],
  ['overview'],
  ['head'],
  ['row'],
  [`drawn, ${WRITTEN} tokens`],
  ['rollout'],
  ['kept in the engine'],
];
for (const [layerCount, headCount, n] of SIZES) {
  const random = seededRandom(n);
  const rows = [0, 1, 2].map(() => randomRows(n, random));
  const kept = Array.from({ length: layerCount }, () =>
    Array.from({ length: headCount }, () => new Uint16Array(triangleLength(n))),
  );
  const heads = kept.flat();
  const fill = (): void =>
    heads.forEach((triangle, i) => {
      const from = rows[i % rows.length] as Float32Array;
      for (let q = 0; q < n; q++) quantise(from, q * n, q + 1, triangle, rowStart(q));
    });
  const tokens = codeTokens(n);
  const found = patterns(tokens);
  const column = [
    `${layerCount} × ${headCount} heads, ${n} tokens`,
    ms(timed(fill)),
    ms(timed(() => thumbnails(kept, n, SIDE))),
  ];
  column.push(ms(timed(() => sumsOf(kept, n))));
  const sums = sumsOf(kept, n);
  const one = new FigureSums(heads.length);
  column.push(ms(timed(() => heads.forEach((triangle, head) => one.add(head, n - 1, triangle, rowStart(n - 1))))));
  column.push(ms(timed(() => patterns(tokens))), ms(timed(() => classScores(kept, n, found, sums))));
  const means = kept.map((layer) => headMean(layer, n));
  column.push(ms(timed(() => kept.map((layer) => headMean(layer, n)))));
  column.push(ms(timed(() => rollout(kept, n - 1))), ms(timed(() => rolloutOfMeans(means, n - 1))));
  column.push(ms(timed(() => drawn(kept, n - 1))));
  column.forEach((cell, i) => times[i]?.push(cell));
  const drawnBytes = 4 * (rowStart(n) - rowStart(n - WRITTEN) - WRITTEN);
  [
    column[0] as string,
    bytes(heads.length * (SIDE * SIDE + 4 * (4 + 10))),
    bytes(2 * triangleLength(n) + 4 * n),
    bytes(2 * heads.length * n),
    bytes(drawnBytes),
    bytes(8 * n),
    bytes(2 * triangleLength(n) * heads.length),
  ].forEach((cell, i) => messages[i]?.push(cell));
}

const vocabulary: string[][] = [['ms'], ['distribution'], ['its 50 likeliest'], ['rank of one'], ['top-p 0.95'], ['temperature 0.7, top-k 40, top-p 0.9, min-p 0.05'], ['temperature 1.5, top-p 0.95'], ['bytes of the logits']]; // prettier-ignore
for (const vocab of VOCABULARIES) {
  const random = seededRandom(vocab);
  const logits = Float32Array.from({ length: vocab }, () => 5 * (random() + random() + random() + random()) - 10);
  // A new one each time: what one has sorted it remembers.
  const each = (work: (distribution: Distribution) => unknown): string => {
    const fresh = Array.from({ length: ROUNDS + 1 }, () => new Distribution(logits));
    return ms(timed(() => work(fresh.pop() as Distribution)));
  };
  [
    `${figure(vocab)} tokens`,
    ms(timed(() => new Distribution(logits))),
    each((one) => one.top(50)),
    each((one) => one.rank(77)),
    each((one) => one.after({ temperature: 1, topK: 0, topP: 0.95, minP: 0 })),
    each((one) => one.after({ temperature: 0.7, topK: 40, topP: 0.9, minP: 0.05 })),
    each((one) => one.after({ temperature: 1.5, topK: 0, topP: 0.95, minP: 0 })),
    bytes(4 * vocab),
  ].forEach((cell, i) => vocabulary[i]?.push(cell));
}
for (const rows of [times, messages, vocabulary]) console.log(`${table(rows)}\n`);
