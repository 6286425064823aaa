// Asks an inspector about a sequence of ids, and holds its answers against a slow forward pass over the same ids.

import assert from 'node:assert/strict';
import { rowOf, rowStart, triangleLength, weightsOf } from '../../src/attention/weights';
import { AttentionReader } from '../../src/engine/attention';
import { Inspector } from '../../src/engine/inspect/inspector';
import { take } from '../../src/engine/inspect/sequences';
import type { Model } from '../../src/engine/model';
import { Tokenizer } from '../../src/engine/tokenizer';
import type {
  Answer,
  AskEffects,
  EffectsAnswer,
  Question,
  SequenceName,
  TextAnswer,
} from '../../src/inspectionProtocol';
import type { Reference } from '../graphForms';
import { farthest, type Forward, type Steps, type Vector, type Without } from '../reference';
import { figuresReference, rolloutReference } from './attentionReference';

const SAMPLING = { temperature: 0, topK: 0, topP: 1, seed: 0 };
/** How far weights may lie from the reference, and their sum from 1. */
export const CLOSE = 1e-3;

/** Asks about a sequence. */
export async function ask<A extends Answer['answer']>(
  inspector: Inspector,
  question: Question & { ask: A },
  name: SequenceName = 'last',
): Promise<Extract<Answer, { answer: A }>> {
  const answer = await inspector.inspect(name, question);
  assert.equal(answer.answer, question.ask);
  return answer as Extract<Answer, { answer: A }>;
}

/** An inspector that was told of one completion: `ids`, of which the last ones were generated. */
export function inspectorOf(model: Model, ids: readonly number[], generated: number): Inspector {
  const inspector = new Inspector(model, new Tokenizer(model.folder), new AttentionReader(model));
  const prompt = ids.slice(0, ids.length - generated);
  const sequence = inspector.sequences.begin(
    7,
    { prefix: '', suffix: '', maxTokens: generated, sampling: SAMPLING, raw: true },
    { ids: prompt, parts: [{ ids: prompt.length }] },
    false,
  );
  for (const id of ids.slice(prompt.length)) take(sequence, { id, logprob: -1 });
  sequence.finished = true;
  return inspector;
}

/** ln softmax(logits)[id] */
export function logProbability(logits: ArrayLike<number>, id: number): number {
  const all = Array.from(logits);
  const largest = Math.max(...all);
  return (logits[id] as number) - largest - Math.log(all.reduce((sum, x) => sum + Math.exp(x - largest), 0));
}

/** Weights, rows, means, rollout and figures of all heads. @param whole each row sums to one */
export async function checkWeights(
  inspector: Inspector,
  { attention }: Forward,
  { tolerance, whole }: { tolerance: number; whole: boolean },
): Promise<void> {
  const n = attention[0]?.[0]?.length ?? 0;
  const [layers, heads] = [attention.length, attention[0]?.length ?? 0];
  const { shape } = await ask(inspector, { ask: 'text', from: 0 });
  const { figures } = await ask(inspector, { ask: 'overview', side: 8 });
  const rowAt = n - 2;
  const row = await ask(inspector, { ask: 'row', query: rowAt });
  for (const [layer, ofLayer] of attention.entries())
    for (const [head, expected] of ofLayer.entries()) {
      const what = `layer ${layer}, head ${head}`;
      const answer = await ask(inspector, { ask: 'head', layer, head, from: 0 });
      assert.equal(answer.weights.length, triangleLength(n), what);
      const got = weightsOf(answer.weights);
      assert.ok(farthest(got, expected.flat()) < tolerance, `${what}: ${farthest(got, expected.flat())}`);
      for (const [query, other] of expected.entries()) {
        const sum = got.subarray(rowStart(query), rowStart(query + 1)).reduce((all, p) => all + p, 0);
        const own = whole ? 1 : other.reduce((all, p) => all + p, 0);
        assert.ok(Math.abs(sum - own) < CLOSE, `${what}: row ${query} sums to ${sum}, not ${own}`);
      }
      const tail = await ask(inspector, { ask: 'head', layer, head, from: n - 3 });
      assert.deepEqual(tail.weights, answer.weights.slice(rowStart(n - 3)), what);
      const at = layer * heads + head;
      const own = row.weights.slice(at * (rowAt + 1), (at + 1) * (rowAt + 1));
      assert.deepEqual(own, rowOf(answer.weights, rowAt).slice(), `${what}: its row by itself`);
      for (const [name, value] of Object.entries(figuresReference(expected)) as [
        'entropy' | 'sink' | 'distance' | 'self',
        number,
      ][])
        // A distance adds up the errors of all keys, each times how far away it is.
        assert.ok(
          Math.abs((figures[name][at] as number) - value) < tolerance * (name === 'distance' ? n : 2),
          `${what}: ${name} ${figures[name][at]} for ${value}`,
        );
    }
  const means = attention.map((ofLayer) =>
    Array.from({ length: n }, (_, q) =>
      Array.from({ length: q + 1 }, (__, k) => ofLayer.reduce((sum, head) => sum + head[q]![k]!, 0) / heads),
    ),
  );
  const drawn = await ask(inspector, { ask: 'drawn', from: n - 2 });
  const expectedDrawn = [n - 3, n - 2].flatMap((query) =>
    means[0]![query]!.map((_, key) => means.reduce((sum, mean) => sum + mean[query]![key]!, 0) / layers),
  );
  assert.equal(drawn.from, n - 2);
  assert.ok(farthest(drawn.weights, expectedDrawn) < tolerance, 'drawn');
  for (const query of [0, 5, n - 1]) {
    const { weights, uniform } = await ask(inspector, { ask: 'rollout', query });
    assert.ok(farthest(weights, rolloutReference(means, query)) < tolerance, `rollout of ${query}`);
    const even = shape.windows.map((window) =>
      Array.from({ length: n }, (_, q) =>
        Array.from({ length: q + 1 }, (__, k) => (window === 0 || q - k < window ? 1 : 0)),
      ),
    );
    assert.ok(farthest(uniform, rolloutReference(even, query)) < 1e-6, `uniform rollout of ${query}`);
  }
}

/** Logits at some positions. */
export async function checkLogits(
  inspector: Inspector,
  ids: readonly number[],
  { logits: expected }: Forward,
  positions: readonly number[],
  tolerance: number,
): Promise<void> {
  for (const position of positions) {
    const { logits, taken, texts } = await ask(inspector, { ask: 'logits', position });
    assert.equal(taken, ids[position]);
    const distance = farthest(logits, expected[position - 1]!);
    assert.ok(distance < tolerance, `logits at ${position}: ${distance}`);
    assert.equal(texts[0]?.[0], logits.indexOf(Math.max(...logits)));
  }
}

/** What is taken away in the token's prediction at a position. */
export interface EffectCase {
  position: number;
  spans: [start: number, end: number][];
}

/** Effects that are measured one at a time are those that are measured at once. */
async function checkParts(inspector: Inspector, whole: EffectsAnswer, question: AskEffects): Promise<void> {
  const parts: number[] = [];
  for (let of = 1; parts.length < of;) {
    const part = await ask(inspector, { ...question, from: parts.length, within: 0 });
    assert.deepEqual([part.from, part.spans.length + part.heads.length], [parts.length, 1]);
    parts.push(...part.spans, ...part.heads);
    ({ of } = part);
  }
  assert.deepEqual(parts, [...whole.spans, ...whole.heads]);
}

/** Every head, and spans, against forward passes without them. */
export async function checkEffects(
  inspector: Inspector,
  ids: readonly number[],
  reference: Reference,
  cases: readonly EffectCase[],
  tolerance: number,
): Promise<void> {
  let largest = 0;
  for (const { position, spans } of cases) {
    const before = ids.slice(0, position);
    const token = ids[position] as number;
    const logprob = (without?: Omit<Without, 'query'>): number => {
      const query = position - 1;
      const { logits } = reference(before, without === undefined ? {} : { without: { query, ...without } });
      return logProbability(logits[query]!, token);
    };
    const got = await ask(inspector, { ask: 'effects', position, heads: true, spans });
    await checkParts(inspector, got, { ask: 'effects', position, heads: true, spans });
    const whole = logprob();
    assert.ok(Math.abs(got.logprob - whole) < tolerance, `at ${position}: ${got.logprob} for ${whole}`);
    const { heads } = (await ask(inspector, { ask: 'text', from: 0 })).shape;
    for (const [i, effect] of got.heads.entries()) {
      const [layer, head] = [Math.floor(i / heads), i % heads];
      const expected = whole - logprob({ head: { layer, head } });
      largest = Math.max(largest, Math.abs(expected));
      const what = `at ${position} without layer ${layer}, head ${head}`;
      assert.ok(Math.abs(effect - expected) < tolerance, `${what}: ${effect} for ${expected}`);
    }
    for (const [i, span] of spans.entries()) {
      const expected = whole - logprob({ span });
      const what = `at ${position} without ${span.join(' to ')}`;
      assert.ok(Math.abs((got.spans[i] as number) - expected) < tolerance, `${what}: ${got.spans[i]} for ${expected}`);
    }
  }
  assert.ok(largest > 10 * tolerance, `no head did anything: ${largest}`);
}

/** One head's steps for one query and one key. */
export type LessonCase = readonly [layer: number, head: number, query: number, key: number];

/**
 * Steps of heads, and the lengths of their values, against those of a forward pass.
 * @param known whether the rotation can be undone @param scale of query · key, where it is not headDim^−½
 */
export async function checkLessons(
  inspector: Inspector,
  ids: readonly number[],
  reference: Reference,
  cases: readonly LessonCase[],
  { tolerance, known, scale }: { tolerance: number; known: boolean; scale?: number },
): Promise<void> {
  const layers: Steps[] = [];
  const { attention } = reference(ids, { steps: (layer, steps) => (layers[layer] = steps) });
  const { shape } = await ask(inspector, { ask: 'text', from: 0 });
  const { heads, kvHeads, headDim } = shape;
  const factor = scale ?? 1 / Math.sqrt(headDim);
  const part = (vector: Vector | undefined, head: number): Vector =>
    vector!.subarray(head * headDim, (head + 1) * headDim);
  for (const [layer, head, query, key] of cases) {
    const steps = layers[layer]!;
    const kvHead = Math.floor(head / (heads / kvHeads));
    const lesson = await ask(inspector, { ask: 'lesson', layer, head, query, key });
    const rotated = part(steps.queries[query], head);
    const expected: [name: string, got: ArrayLike<number>, expected: ArrayLike<number>][] = [
      ['query, rotated', lesson.queryRotated, rotated],
      ['key, rotated', lesson.keyRotated, part(steps.keys[key], kvHead)],
      ['query', lesson.queryPlain, known ? part(steps.plainQueries[query], head) : rotated],
      ['key', lesson.keyPlain, part((known ? steps.plainKeys : steps.keys)[key], kvHead)],
      ['value', lesson.value, part(steps.values[key], kvHead)],
      ['output', lesson.output, part(steps.mixed[query], head)],
      ['weights', lesson.weights, attention[layer]![head]![query]!],
      ['scale', [lesson.scale], [factor]],
    ];
    for (const [name, got, wanted] of expected)
      assert.ok(
        farthest(got, wanted) < tolerance,
        `layer ${layer}, head ${head}, query ${query}, key ${key}: ${name} ${farthest(got, wanted)} off`,
      );
    for (const [k, score] of lesson.scores.entries()) {
      const dot = part(steps.keys[k], kvHead).reduce((sum, x, i) => sum + x * rotated[i]!, 0) * factor;
      const hidden = attention[layer]![head]![query]![k] === 0;
      assert.ok(
        hidden ? score === -Infinity : Math.abs(score - dot) < tolerance,
        `score of key ${k}: ${score}, ${dot}`,
      );
    }
    const { valueNorms } = await ask(inspector, { ask: 'head', layer, head, from: 0 });
    const norms = steps.values.map((value) => Math.sqrt(part(value, kvHead).reduce((sum, x) => sum + x * x, 0)));
    assert.ok(farthest(valueNorms, norms) < tolerance, `lengths of values: ${farthest(valueNorms, norms)}`);
  }
}

/** What the text answer says of itself. */
export function textOf(inspector: Inspector): Promise<TextAnswer> {
  return ask(inspector, { ask: 'text', from: 0 });
}
