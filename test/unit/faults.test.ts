// What goes wrong ends in a sentence for people, never in silence, a crash or a hang: damaged models against one engine process that
// has to survive them all, and a process that is killed or kept busy.

import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fields } from '../../src/engine/protobuf';
import { seededRandom } from '../../src/engine/random';
import { EngineClient, EngineFailure } from '../../src/extension/engineClient';
import type { CompletionRequest, FromEngine, ToEngine } from '../../src/protocol';
import { withExternalWeight, withShape, withWeight } from '../damage';
import { TINY, writeTinyModel } from '../tinyModel';

const enginePath = join(process.cwd(), 'dist', 'engine.js');
const scratch = mkdtempSync(join(tmpdir(), 'glassbox-faults-'));
const good = join(scratch, 'good');
const bad = join(scratch, 'bad');
const graphPath = join(bad, 'onnx', 'model.onnx');
const NORM = 'model.norm.weight';
const EMBEDDING = 'model.embed_tokens.weight';
/** Codes of errors that say what is wrong with a model. */
const NAMED = ['model_damaged', 'model_unsupported', 'inference_failed', 'nan_logits'];
let onnx: Uint8Array;

const request = (prefix: string, maxTokens = 2): CompletionRequest => ({
  prefix,
  suffix: '',
  maxTokens,
  sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
  raw: true,
});
const never = new AbortController().signal;

/** One engine process, spoken to directly, so that it meets one model after the other. */
class Forked {
  readonly #child: ChildProcess;
  #id = 0;

  constructor() {
    this.#child = fork(enginePath, [], { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Loads a folder and completes two tokens: 'works', or the fault of the first that failed. */
  async attempt(modelDir: string): Promise<'works' | { code: string; message: string }> {
    const loaded = await this.#ask({ type: 'load', modelDir, device: 'cpu' }, ['ready', 'failed']);
    if (loaded.type === 'failed') return loaded.fault;
    const answer = await this.#ask({ type: 'complete', id: ++this.#id, request: request('ab') }, ['done', 'error']);
    return answer.type === 'error' ? answer.fault : 'works';
  }

  stop(): void {
    this.#child.disconnect();
  }

  #ask(message: ToEngine, ends: FromEngine['type'][]): Promise<FromEngine> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.#child.off('message', onMessage).off('exit', onExit);
        clearTimeout(timer);
        act();
      };
      const onMessage = (reply: FromEngine): void => {
        if (ends.includes(reply.type)) settle(() => resolve(reply));
      };
      const onExit = (code: number | null, signal: string | null): void =>
        settle(() => reject(new Error(`the engine died: ${signal ?? String(code)}`)));
      const timer = setTimeout(() => settle(() => reject(new Error('the engine hangs'))), 30_000);
      this.#child.on('message', onMessage).on('exit', onExit).send(message);
    });
  }
}

let forked: Forked;
before(() => {
  writeTinyModel(good);
  writeTinyModel(bad);
  onnx = readFileSync(graphPath);
  forked = new Forked();
});
after(() => {
  forked.stop();
  rmSync(scratch, { recursive: true });
});

/** Fails unless the process still does its work. */
async function assertAlive(): Promise<void> {
  assert.equal(await forked.attempt(good), 'works');
}

function configured(change: Record<string, unknown>): void {
  const config = JSON.parse(readFileSync(join(good, 'config.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(join(bad, 'config.json'), JSON.stringify({ ...config, ...change }));
}

test('an ONNX file that ends too soon, at any length, is damaged, and the message names it', async () => {
  const lengths = [0, 1, 2, 7, 100, ...Array.from({ length: 20 }, (_, i) => Math.floor((onnx.length * (i + 1)) / 21))];
  for (const length of [...lengths, onnx.length - 1]) {
    writeFileSync(graphPath, onnx.subarray(0, length));
    const fault = await forked.attempt(bad);
    assert.ok(fault !== 'works', `${length} of ${onnx.length} bytes work`);
    assert.ok(
      ['model_damaged', 'model_unsupported'].includes(fault.code),
      `${length} bytes: ${fault.code}, ${fault.message}`,
    );
    assert.ok(fault.message.includes(graphPath), fault.message);
  }
  await assertAlive();
});

test('flipped bytes do no harm or are named, and the process survives each', async () => {
  const random = seededRandom(5);
  const outcomes = new Map<string, number>();
  for (let i = 0; i < 36; i++) {
    const damaged = Uint8Array.from(onnx);
    // The graph stands at the ends of the file; the weights, where a flip is hardly seen, in between.
    const within = i % 3 === 0 ? damaged.length : 4000;
    const from = Math.floor(random() * within);
    const at = i % 3 === 1 ? damaged.length - 1 - from : from;
    damaged[at] = (damaged[at] as number) ^ (1 << Math.floor(random() * 8));
    writeFileSync(graphPath, damaged);
    const outcome = await forked.attempt(bad);
    const code = outcome === 'works' ? outcome : outcome.code;
    assert.ok(outcome === 'works' || NAMED.includes(code), `byte ${at}: ${JSON.stringify(outcome)}`);
    outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
  }
  assert.ok((outcomes.get('works') ?? 0) > 0 && outcomes.size > 1, JSON.stringify([...outcomes]));
  await assertAlive();
});

test('the protobuf reader ends on any bytes: with fields, or with a RangeError', () => {
  const random = seededRandom(9);
  let refused = 0;
  for (let i = 0; i < 5000; i++) {
    const message = Uint8Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256));
    try {
      const whole = fields(message).reduce((sum, field) => sum + field.whole.length, 0);
      assert.equal(whole, message.length);
    } catch (error) {
      assert.ok(error instanceof RangeError, String(error));
      refused++;
    }
  }
  assert.ok(refused > 1000 && refused < 5000);
});

test('weights in a file of their own are read, and named when the file is missing', async () => {
  const { graph, data } = withExternalWeight(onnx, EMBEDDING, 'model.onnx_data');
  writeFileSync(graphPath, graph);
  writeFileSync(`${graphPath}_data`, data);
  assert.equal(await forked.attempt(bad), 'works');
  rmSync(`${graphPath}_data`);
  const fault = await forked.attempt(bad);
  assert.ok(fault !== 'works');
  assert.equal(fault.code, 'model_damaged');
  assert.match(fault.message, /model\.onnx_data/);
  await assertAlive();
});

/** What config.json says otherwise, and what the message then names. */
const CONFIGS: [string, Record<string, unknown>, RegExp][] = [
  ['a vocabulary smaller than the tokenizer’s', { vocab_size: 200 }, /tokenizer\.json has \d+ ids.* 200/],
  ['a vocabulary wider than the logits', { vocab_size: TINY.vocab + 50 }, /logits.*vocab_size/],
  ['an absurd vocabulary', { vocab_size: 1e15 }, /logits.*vocab_size/],
  ['an absurd number of layers', { num_hidden_layers: 1e15 }, /layers/],
  ['an absurd number of heads', { num_attention_heads: 1e15, num_key_value_heads: 1e15 }, /heads/],
  ['an absurd head', { head_dim: 1e15 }, /head/],
];
for (const [name, change, names] of CONFIGS) {
  test(`a model of another shape than its config.json is named: ${name}`, async () => {
    writeFileSync(graphPath, onnx);
    configured(change);
    const fault = await forked.attempt(bad);
    configured({});
    assert.ok(fault !== 'works');
    assert.ok(['model_damaged', 'model_unsupported'].includes(fault.code), `${fault.code}: ${fault.message}`);
    assert.match(fault.message, names);
    await assertAlive();
  });
}

test('an absurd context length is no reason to allocate it', async () => {
  writeFileSync(graphPath, onnx);
  configured({ max_position_embeddings: 1e15 });
  assert.equal(await forked.attempt(bad), 'works');
  configured({});
});

test('a weight that declares more than there is, or than there can be, is named', async () => {
  for (const dims of [[TINY.vocab * 1000, TINY.hidden], [2 ** 45, 2 ** 7], [2 ** 52], []]) {
    writeFileSync(graphPath, withShape(onnx, EMBEDDING, dims));
    const fault = await forked.attempt(bad);
    assert.ok(fault !== 'works', `${String(dims)} works`);
    assert.ok(NAMED.includes(fault.code), `${String(dims)}: ${fault.code}, ${fault.message}`);
  }
  await assertAlive();
});

for (const value of [NaN, Infinity]) {
  test(`weights that are ${value} are named, at each request, and the process stays`, async () => {
    writeFileSync(graphPath, withWeight(onnx, NORM, value));
    const { pid } = forked;
    for (let times = 0; times < 3; times++) {
      const fault = await forked.attempt(bad);
      assert.ok(fault !== 'works');
      assert.equal(fault.code, 'nan_logits', fault.message);
      assert.match(fault.message, /weights are damaged/);
    }
    await assertAlive();
    assert.equal(forked.pid, pid);
  });
}

test('kill -9 in the middle of a token ends that request with a message, and the next one works', async () => {
  const client = new EngineClient({ enginePath, log: () => undefined });
  client.start({ modelDir: good, device: 'cpu' });
  let texts = 0;
  const running = client.complete(request('a', 100), never, () => {
    if (++texts === 3) process.kill(client.pid as number, 'SIGKILL');
  });
  const beside = client.alternatives(0, 1);
  const fate = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'done',
      (error: unknown) => error,
    );
  for (const error of [await fate(running), await fate(beside)]) {
    assert.ok(error instanceof EngineFailure, String(error));
    assert.equal(error.code, 'engine_died');
    assert.match(error.message, /^The engine process ended unexpectedly \(SIGKILL\)\.$/);
  }
  assert.ok(texts >= 3);
  assert.equal((await client.complete(request('a', 3), never, () => undefined)).tokens.length, 3);
  client.dispose();
});

test('10,000 requests, cancelled at random: each ends once, none hangs, and the memory stays bounded', async (t) => {
  const REQUESTS = 10_000;
  const SETTLED = 2_000;
  const client = new EngineClient({ enginePath, log: () => undefined });
  client.start({ modelDir: good, device: 'cpu', cacheMemory: 1 });
  const random = seededRandom(11);
  const below = (n: number): number => Math.floor(random() * n);
  const documents = ['const total = ', 'for (let i = 0; ', 'return items.map(', '# A title\n'];
  const counts: Record<string, number> = {};
  const memory: number[] = [];
  let ended = 0;
  let open: Promise<void>[] = [];
  for (let i = 0; i < REQUESTS; i++) {
    const abort = new AbortController();
    const document = (documents[below(documents.length)] as string) + 'x = y + 1\n'.repeat(below(4)).slice(below(10));
    const asked =
      open.length === 0 && i % 2 === 0
        ? client.warm(request(document), abort.signal)
        : client.complete(request(document, 1 + below(3)), abort.signal, () => undefined);
    open.push(
      asked.then(
        (completion) => {
          const finish = completion?.finish ?? 'not asked';
          counts[finish] = (counts[finish] ?? 0) + 1;
          ended++;
        },
        (error: unknown) => assert.fail(`request ${i}: ${String(error)}`),
      ),
    );
    if (below(3) === 0) setTimeout(() => abort.abort(), below(4));
    if (below(10) === 0) abort.abort();
    // Bursts, in which the newest wins, and pauses, in which some run to their end.
    if (below(4) === 0) {
      await Promise.all(open);
      open = [];
      assert.equal(ended, i + 1);
    }
    if ((i + 1) % SETTLED === 0) memory.push(residentMiB(client.pid as number));
  }
  await Promise.all(open);
  assert.equal(ended, REQUESTS);
  assert.ok((counts['cancelled'] ?? 0) > 100 && (counts['length'] ?? 0) > 100, JSON.stringify(counts));
  t.diagnostic(
    `rss after each ${SETTLED} requests, MiB: ${memory.map((mib) => mib.toFixed(0)).join(', ')}; ${JSON.stringify(counts)}`,
  );
  const [first = 0, last = 0] = [memory[0], memory.at(-1)];
  assert.ok(last <= first + 48, `from ${first.toFixed(0)} to ${last.toFixed(0)} MiB`);
  client.dispose();
});

/** Resident memory of a process; 0 where /proc is not there. */
function residentMiB(pid: number): number {
  try {
    return (Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096) / 2 ** 20;
  } catch {
    return 0;
  }
}
