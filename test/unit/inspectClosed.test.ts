// Nobody looks: the panel costs nothing. No run, no session and no memory for it; and whether somebody looks or not, the graphs that texts are
// written with are the same, byte for byte.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { InferenceSession } from 'onnxruntime-node';
import { Engine } from '../../src/engine/engine';
import { NAMES } from '../../src/engine/graph/attentionBlock';
import { Follower } from '../../src/engine/inspect/follower';
import { rewritten } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import type { CompletionRequest } from '../../src/protocol';
import { FORMS } from '../graphForms';
import { ask } from './inspection';

const dir = mkdtempSync(join(tmpdir(), 'glassbox-inspect-closed-'));
const OWN = join(dir, 'own');
const shipped = join(process.cwd(), 'models/glassbox-small');
before(() => FORMS.find(({ name }) => name === 'gqa')!.write(OWN));
after(() => rmSync(dir, { recursive: true }));
const never = new AbortController().signal;
const MODELS = [
  { name: 'a model with full precision', modelDir: OWN },
  { name: 'the shipped model', modelDir: shipped },
];

const request = (prefix: string, fields: Partial<CompletionRequest> = {}): CompletionRequest => ({
  prefix,
  suffix: '',
  maxTokens: 16,
  sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
  raw: true,
  ...fields,
});

/** What ONNX Runtime was asked for. */
interface Counted {
  /** The graphs of the sessions that were opened: their bytes, or the path. */
  opened: (Uint8Array | string)[];
  closed: number;
  /** By run: the outputs that were fetched. */
  fetched: (readonly string[])[];
  stop: () => void;
}

/** Counts what ONNX Runtime is asked for, until `stop`. */
function counting(): Counted {
  const create = InferenceSession.create.bind(InferenceSession);
  const counted: Counted = { opened: [], closed: 0, fetched: [], stop: () => (InferenceSession.create = create) };
  InferenceSession.create = async (graph: never, options: never) => {
    counted.opened.push(graph);
    const session = await create(graph, options);
    const [run, release] = [session.run.bind(session), session.release.bind(session)];
    session.run = ((feeds: never, names: string[]) => {
      counted.fetched.push(names);
      return run(feeds, names);
    }) as typeof session.run;
    session.release = () => {
      counted.closed++;
      return release();
    };
    return session;
  };
  return counted;
}

const isWeight = (name: string): boolean => name.startsWith(NAMES.attention(0).replace(/0$/, ''));
const sessionOf = (graph: Uint8Array | string): string =>
  typeof graph === 'string' ? graph : Buffer.from(graph).toString('base64');

/** The same work, whoever looks. */
async function work(engine: Engine): Promise<number[][]> {
  const tokens: number[][] = [];
  for (const [id, prefix] of ['const a = [', 'const a = [1, 2', 'function f(x'].entries()) {
    await engine.warmUp(request(prefix), never);
    tokens.push((await engine.complete(request(prefix), { signal: never, id })).tokens);
  }
  return tokens;
}

for (const { name, modelDir } of MODELS)
  test(`${name}: nobody watches or asks, and nothing is opened, run or fetched for it`, async (t) => {
    const counted = counting();
    t.after(() => counted.stop());
    const [follow, tapping] = [
      t.mock.method(Follower.prototype, 'follow'),
      t.mock.method(Follower.prototype, 'tapping'),
    ];
    const followers = (): number => follow.mock.callCount() + tapping.mock.callCount();
    const engine = await Engine.load({ modelDir, device: 'cpu', threads: 1, speculation: 'off' });
    const sessions = counted.opened.length;
    const before = counted.fetched.length;
    let runs = 0;
    for (const [id, prefix] of ['const a = [', 'const a = [1, 2', 'function f(x'].entries())
      runs += (await engine.complete(request(prefix), { signal: never, id })).stats.runs;
    // A moment later, too.
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal(counted.fetched.length - before, runs, 'runs');
    assert.ok(
      counted.fetched.every((names) => !names.some(isWeight)),
      'weights were fetched',
    );
    assert.equal(counted.opened.length, sessions, 'sessions');
    assert.equal(followers(), 0, 'followers');
    await ask(engine.inspector, { ask: 'text', from: 0 });
    assert.equal(counted.fetched.length - before, runs, 'a text that is asked for costs no run');

    // And all this counts: somebody asks, and what is opened for it is given back.
    await ask(engine.inspector, { ask: 'effects', position: 4, heads: false, spans: [[0, 2]] });
    assert.equal(counted.opened.length, sessions + 1);
    assert.ok(followers() > 0 && counted.fetched.some((names) => names.some(isWeight)));
    const closed = counted.closed;
    engine.inspector.watch(undefined);
    await ask(engine.inspector, { ask: 'text', from: 0 });
    assert.equal(counted.closed, closed + 1, 'the session of the lens was closed');
    await engine.dispose();
    assert.equal(counted.closed, counted.opened.length);
  });

for (const { name, modelDir } of MODELS)
  test(`${name}: looked at or not, texts are written with the same graphs`, async (t) => {
    const graphs: string[][] = [];
    const texts: number[][][] = [];
    for (const looked of [false, true]) {
      const counted = counting();
      t.after(() => counted.stop());
      const engine = await Engine.load({ modelDir, device: 'cpu', speculation: 'off' });
      const own = counted.opened.length;
      if (looked) {
        engine.inspector.watch(() => undefined);
        await engine.complete(request('let y'), { signal: never, id: 50 });
        await ask(engine.inspector, { ask: 'effects', position: 3, heads: true, spans: [] });
        await ask(engine.inspector, { ask: 'lesson', layer: 0, head: 0, query: 3, key: 1 });
        assert.equal(counted.opened.length, own + 1, 'effects and lessons share one session');
      }
      texts.push(await work(engine));
      const all = counted.opened.map(sessionOf);
      graphs.push(all.slice(0, own));
      if (looked) assert.ok(!all.slice(0, own).includes(all[own] as string), 'the lens has a graph of its own');
      await engine.dispose();
      counted.stop();
    }
    assert.deepEqual(texts[0], texts[1]);
    assert.equal(graphs[0]?.length, graphs[1]?.length);
    graphs[0]?.forEach((graph, i) => assert.ok(graph === graphs[1]?.[i], `session ${i} has another graph`));
  });

for (const form of FORMS.filter(({ rewritable }) => rewritable))
  test(`${form.name}: the graph that is run knows no lens`, () => {
    const folder = join(dir, form.name);
    form.write(folder);
    const read = readModelFolder(folder);
    const first = rewritten(read);
    const lens = rewritten(read, true);
    const again = rewritten(read);
    assert.ok('bytes' in first && 'bytes' in lens && 'bytes' in again);
    assert.ok(Buffer.from(first.bytes).equals(again.bytes));
    const text = Buffer.from(first.bytes).toString('latin1');
    const own = [NAMES.keep(0), NAMES.query(0)];
    for (const of of own) assert.ok(!text.includes(of), of);
    for (const of of own) assert.ok(Buffer.from(lens.bytes).toString('latin1').includes(of), of);
  });
