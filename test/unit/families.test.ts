// Every family of decoders in every form of graph that the hub has it in: what it writes is what transformers.js writes on the same folder,
// and what the untouched graph writes when it is given the whole text anew for each token.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AttentionReader } from '../../src/engine/attention';
import { Engine } from '../../src/engine/engine';
import { EngineError } from '../../src/engine/errors';
import { graphForGpu } from '../../src/engine/graph/forGpu';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { FAMILIES, isRewritten, PEER_CANNOT, weightsFile } from '../families';
import { askPeer, noPeer, type PeerAnswer } from '../peers';
import { farthest } from '../reference';

const scratch = mkdtempSync(join(tmpdir(), 'glassbox-families-'));
after(() => rmSync(scratch, { recursive: true }));

const TEXT = 'let total =';
const PROMPT = [256, ...Buffer.from(TEXT)];
const END = 257;
const COUNT = 24;
/** Largest difference of logits that should be the same, of magnitude 10 or so. */
const TOLERANCE = 2e-3;
/** Tokens after which a cache is cut, and what then follows. */
const KEPT = 17;
const OTHER = [...Buffer.from('(a, b)')];

/** A family in one of its forms. */
const CASES = FAMILIES.flatMap((family) =>
  family.forms.map((form, i) => {
    const name = `${family.name}, ${form}`;
    const dir = join(scratch, name.replace(/\W+/g, '-'));
    family.write(dir, form);
    return { name, dir, form, first: i === 0 ? undefined : `${family.name}, ${family.forms[0] ?? ''}` };
  }),
);
type Case = (typeof CASES)[number];

/** All tokens of transformers.js, asked for once. */
let asked: PeerAnswer[] | undefined;
function peerTokens(): PeerAnswer[] {
  asked ??= askPeer(
    CASES.map(({ dir, form }) => ({ dir, dtype: 'fp32', file: weightsFile(form), ids: PROMPT, tokens: COUNT })),
  );
  return asked;
}

const best = (logits: Float32Array): number => logits.reduce((at, x, i) => (x > (logits[at] as number) ? i : at), 0);

/** Tokens after the prompt, up to the end of the text. @param next logits after so many ids */
async function greedy(next: (ids: number[]) => Promise<Float32Array>): Promise<number[]> {
  const ids = [...PROMPT];
  while (ids.length < PROMPT.length + COUNT && ids.at(-1) !== END) ids.push(best(await next(ids)));
  return ids.slice(PROMPT.length);
}

/** Greedy tokens with a cache. */
function written(model: Model): Promise<number[]> {
  const cache = model.newCache();
  return greedy((ids) => model.forward(ids.slice(cache.length), cache));
}

async function withModel<T>(dir: string, plain: boolean, use: (model: Model) => Promise<T>): Promise<T> {
  const model = await Model.load(readModelFolder(dir), 'cpu', { plain, threads: 1 });
  try {
    return await use(model);
  } finally {
    await model.dispose();
  }
}

for (const [i, each] of CASES.entries()) {
  const { name, dir } = each;
  const withPeer = async (): Promise<void> => {
    const answer = peerTokens()[i];
    assert.ok(answer !== undefined && 'tokens' in answer, JSON.stringify(answer));
    const ours = await withModel(dir, false, written);
    assert.deepEqual(ours, answer.tokens);
    assert.ok(new Set(ours).size > 2, `a model that writes ${ours.join(' ')} shows little`);
  };
  if (PEER_CANNOT[name] === undefined)
    test(`${name}: greedy tokens are those of transformers.js`, { skip: noPeer }, withPeer);
  test(`${name}: the cache changes nothing: token by token, in pieces, and cut back`, () => checkCache(each));
}

async function checkCache({ name, dir, form, first }: Case): Promise<void> {
  const anew = (model: Model) => (ids: number[]) => model.forward(ids, model.newCache());
  const expected = await withModel(dir, true, (model) => greedy(anew(model)));
  // All forms of a family have the same numbers.
  if (first !== undefined) {
    const sameFamily = CASES.find((other) => other.name === first) as Case;
    assert.deepEqual(await withModel(sameFamily.dir, false, written), expected, `${name} and ${first}`);
  }
  const rewritten = await withModel(dir, false, (model) => Promise.resolve(model.graphNote.startsWith('rewritten')));
  assert.equal(rewritten, isRewritten(form), 'rewritten');

  for (const plain of [true, false])
    await withModel(dir, plain, async (model) => {
      const where = plain ? 'as it is' : 'as loaded';
      assert.deepEqual(await written(model), expected, where);

      const ids = [...PROMPT, ...expected];
      const all = await model.forward(ids, model.newCache(), 'all');
      const vocab = all.length / ids.length;
      const cache = model.newCache();
      for (let at = 0, length = 1; at < ids.length; at += length, length = (length % 7) + 2) {
        const part = await model.forward(ids.slice(at, at + length), cache, 'all');
        const distance = farthest(part, all.subarray(at * vocab, at * vocab + part.length));
        assert.ok(distance < TOLERANCE, `${where}, tokens from ${at}: ${distance}`);
      }

      const other = [...ids.slice(0, KEPT), ...OTHER];
      assert.equal(cache.keepPrefix(other, other.length - 1), KEPT);
      const branch = cache.branch();
      const after = await model.forward(OTHER, cache);
      const fresh = await model.forward(other, model.newCache());
      assert.ok(farthest(after, fresh) < TOLERANCE, `${where}, after a cut: ${farthest(after, fresh)}`);
      assert.ok(farthest(await model.forward(OTHER, branch, 3), await model.forward(OTHER, cache.branchAt(KEPT), 3)) === 0); // prettier-ignore
      await assertLastRows(model, other, where);
    });
}

/** Of several tokens after others, the logits of the last are the same however many are wanted. */
async function assertLastRows(model: Model, ids: number[], where: string): Promise<void> {
  const rows: Float32Array[] = [];
  for (const wanted of ['all', 'last', 3, OTHER.length - 1] as const) {
    const cache = model.newCache();
    await model.forward(ids.slice(0, KEPT), cache);
    rows.push(await model.forward(ids.slice(KEPT), cache, wanted));
  }
  const [all, ...others] = rows as [Float32Array, ...Float32Array[]];
  assert.equal(all.length % OTHER.length, 0);
  for (const part of others)
    assert.ok(farthest(part, all.subarray(all.length - part.length)) < TOLERANCE, `${where}: ${part.length} logits`);
}

test('the engine completes text with each family', async () => {
  for (const { name, dir } of CASES.filter(({ first }) => first === undefined)) {
    const engine = await Engine.load({ modelDir: dir, device: 'cpu', threads: 1 });
    const { tokens } = await engine.complete(
      {
        prefix: TEXT,
        suffix: '',
        maxTokens: COUNT,
        sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
        raw: true,
      },
      { signal: new AbortController().signal },
    );
    await engine.dispose();
    const expected = await withModel(dir, false, written);
    const ended = expected.slice(0, tokens.length);
    assert.deepEqual(tokens, ended, name);
    assert.ok(tokens.length > 0, name);
  }
});

test('attention maps are the same in every form; merged graphs have none, and it is said', async () => {
  const ids = [...PROMPT, ...OTHER];
  const map = (dir: string): Promise<Float32Array> =>
    withModel(dir, false, async (model) => {
      const reader = new AttentionReader(model);
      return reader.read(ids, 1, 0).finally(() => reader.dispose());
    });
  for (const { name, dir, form, first } of CASES) {
    if (form === 'optimum, merged') {
      const says = (error: unknown): boolean =>
        error instanceof EngineError && error.message.includes(weightsFile(form));
      await assert.rejects(map(dir), says, name);
      continue;
    }
    const weights = await map(dir);
    for (let row = 0; row < ids.length; row++) {
      const sum = weights.subarray(row * ids.length, (row + 1) * ids.length).reduce((all, x) => all + x, 0);
      assert.ok(Math.abs(sum - 1) < TOLERANCE, `${name}, query ${row}: ${sum}`);
    }
    const other = CASES.find((each) => each.name === first);
    if (other !== undefined) assert.ok(farthest(weights, await map(other.dir)) < TOLERANCE, name);
  }
});

test('a GPU refuses caches that lie otherwise, and graphs with two branches, by name, and the CPU takes over', async () => {
  for (const { name, dir, form } of CASES) {
    const bytes = readFileSync(join(dir, 'onnx', `${weightsFile(form)}.onnx`));
    const made = graphForGpu(bytes, 'model.onnx');
    const reason = 'reason' in made ? made.reason : undefined;
    if (form === 'optimum, merged') assert.match(reason ?? '', /use_cache_branch/, name);
    else if (form === 'optimum, older cache') assert.match(reason ?? '', /past_key_values\.0\.key/, name);
    else assert.ok(reason === undefined || reason.includes('softcap'), `${name}: ${reason}`);
    if (isRewritten(form)) continue;
    const model = await Model.load(readModelFolder(dir), 'webgpu', { threads: 1 });
    assert.equal(model.device, 'cpu');
    assert.ok(reason !== undefined && model.deviceNote?.includes(reason), `${name}: ${model.deviceNote}`);
    await model.dispose();
  }
});
