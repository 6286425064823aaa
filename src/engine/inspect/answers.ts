// What is answered to each question, from the weights and the cache of a sequence that was followed. Called by the inspector, one question at
// a time.

import { drawn } from '../../attention/drawn';
import { figures, FigureSums } from '../../attention/figures';
import { thumbnail } from '../../attention/overview';
import { rollout, uniformRollout } from '../../attention/rollout';
import { rowOf, rowStart, triangleLength, weightsOf } from '../../attention/weights';
import type { Answer, Question } from '../../inspectionProtocol';
import { t } from '../../l10n';
import { EngineError } from '../errors';
import type { Model } from '../model';
import { RowCache } from '../rowCache';
import type { Tokenizer } from '../tokenizer';
import { effectsAt } from './effects';
import type { Follower } from './follower';
import type { Lens } from './lens';
import { lessonOf, noLesson } from './lesson';
import type { Sequence } from './sequences';

/** The steps of a head end at its weights, to this. */
const SAME = 2e-3;

/** A question whose answer needs weights, or keys and values. */
export type StoredQuestion = Exclude<Question, { ask: 'text' | 'logits' }>;

/** What a question is answered from. */
interface Asked {
  model: Model;
  tokenizer: Tokenizer;
  sequence: Sequence;
  follower: Follower;
  /** So many tokens of the sequence have their weights. */
  n: number;
  /** Is awaited between two pieces of long work. */
  rest: (spentMs: number) => Promise<void>;
  /** @throws EngineError `model_unsupported` where heads cannot be taken out */
  handles: () => Promise<Lens>;
}

/** @throws EngineError `bad_request` for what is not there, `model_unsupported`, `inference_failed` */
export async function answerTo(question: StoredQuestion, asked: Asked): Promise<Answer> {
  const { model, tokenizer, sequence, follower, n, rest, handles } = asked;
  const { id, ids, prompt } = sequence;
  const { store, cache } = follower;
  const { triangles } = store;
  const { layers, heads, kvHeads, headDim } = model.folder.config;
  switch (question.ask) {
    case 'overview': {
      const { side } = question;
      within(side, 8, 65);
      const pictures = new Uint8Array(layers * heads * side * side);
      const sums = new FigureSums(layers * heads);
      // Head by head: a text that is being written goes on between two of them.
      for (const [i, triangle] of triangles.flat().entries()) {
        const start = performance.now();
        thumbnail(triangle, n, side, pictures, i * side * side);
        for (let query = 0; query < n; query++) sums.add(i, query, triangle, rowStart(query));
        await rest(performance.now() - start);
      }
      const tokens = ids.slice(0, n).map((token) => ({
        id: token,
        text: tokenizer.label(token),
        special: tokenizer.specialIds.has(token),
      }));
      return {
        answer: 'overview',
        sequence: id,
        n,
        side,
        thumbnails: pictures,
        figures: figures(triangles, n, tokens, sums),
      };
    }
    case 'head': {
      const { layer, head, from } = question;
      within(layer, 0, layers);
      within(head, 0, heads);
      within(from, 0, n + 1);
      return {
        answer: 'head',
        sequence: id,
        layer,
        head,
        from,
        n,
        weights: (triangles[layer]?.[head] as Uint16Array).slice(rowStart(from), triangleLength(n)),
        valueNorms: valueNorms(cache, layer, Math.floor((head * kvHeads) / heads), headDim, n),
      };
    }
    case 'row': {
      const { query } = question;
      within(query, 0, n);
      const weights = new Uint16Array(layers * heads * (query + 1));
      triangles.flat().forEach((triangle, i) => weights.set(rowOf(triangle, query), i * (query + 1)));
      return { answer: 'row', sequence: id, query, weights };
    }
    case 'drawn': {
      const from = Math.max(1, question.from, prompt.ids.length);
      const rows: Float32Array[] = [];
      for (let position = from; position < n; position++) rows.push(drawn(triangles, position));
      const weights = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
      let at = 0;
      for (const row of rows) {
        weights.set(row, at);
        at += row.length;
      }
      return { answer: 'drawn', sequence: id, from, n, weights };
    }
    case 'rollout': {
      const { query } = question;
      within(query, 0, n);
      const uniform = uniformRollout(model.windows, query);
      return { answer: 'rollout', sequence: id, query, weights: rollout(triangles, query), uniform };
    }
    case 'effects': {
      // First what takes long: the cache is looked at when it is needed.
      const lens = await handles();
      return effectsAt(lens, stillHeld(follower, sequence, question.position - 1), sequence, question, rest);
    }
    case 'lesson': {
      const { layer, head, query, key } = question;
      within(layer, 0, layers);
      within(head, 0, heads);
      within(query, 0, n);
      within(key, 0, query + 1);
      const seen = weightsOf(rowOf(triangles[layer]?.[head] as Uint16Array, query));
      const lens = await handles();
      if (!lens.graph.plainScores) throw new EngineError('model_unsupported', noLesson());
      const lesson = await lessonOf(lens, stillHeld(follower, sequence, query), sequence, question);
      // Masks of the graph's own may add more than a beginning.
      if (lesson.weights.some((p, k) => Math.abs(p - (seen[k] as number)) > SAME))
        throw new EngineError('model_unsupported', noLesson());
      return lesson;
    }
  }
}

/** The follower's cache. @throws EngineError `bad_request` where it holds fewer tokens of a sequence than it did */
function stillHeld({ cache }: Follower, { ids }: Sequence, tokens: number): RowCache {
  if (cache.common(ids) >= tokens) return cache as RowCache;
  throw new EngineError('bad_request', t('Another text was begun meanwhile. Ask again.'));
}

/** [n]: Euclidean norm of each position's value; empty where the cache is none of ours. */
function valueNorms(
  cache: Follower['cache'],
  layer: number,
  kvHead: number,
  headDim: number,
  n: number,
): Float32Array<ArrayBuffer> {
  if (!(cache instanceof RowCache) || cache.length < n) return new Float32Array(0);
  const { capacity, arrays } = cache.views();
  const values = arrays[2 * layer + 1] as Float32Array;
  return Float32Array.from({ length: n }, (_, position) => {
    const start = (kvHead * capacity + position) * headDim;
    let sum = 0;
    for (let d = start; d < start + headDim; d++) sum += (values[d] as number) ** 2;
    return Math.sqrt(sum);
  });
}

/** @throws EngineError `bad_request` unless least ≤ value < end */
function within(value: number, least: number, end: number): void {
  if (!Number.isInteger(value) || value < least || value >= end)
    throw new EngineError(
      'bad_request',
      t('There is nothing at {0}: from {1} to {2} there is.', value, least, end - 1),
    );
}
