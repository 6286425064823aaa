// The command line as its users see it: lines in, lines out, exit codes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { writeTinySource } from '../safetensors';
import { TINY, writeTinyModel } from '../tinyModel';

const cli = join(process.cwd(), 'dist', 'cli.js');
const scratch = mkdtempSync(join(tmpdir(), 'glassbox-cli-'));
const tiny = join(scratch, 'tiny');
const damaged = join(scratch, 'damaged');
const noTokenizer = join(scratch, 'no-tokenizer');

before(() => {
  for (const dir of [tiny, damaged, noTokenizer]) writeTinyModel(dir);
  writeFileSync(join(damaged, 'config.json'), '{"num_hidden_layers": ');
  rmSync(join(noTokenizer, 'tokenizer.json'));
});
after(() => rmSync(scratch, { recursive: true }));

interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

function glassbox(args: string[], input = ''): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [cli, ...args]);
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.on('error', () => undefined); // it may end without reading
    child.stdin.end(input);
  });
}

interface Answer {
  id: unknown;
  text: string;
  tokens: number[];
  logprobs: number[];
  finish: string;
  probability: number;
  stats: Record<string, unknown>;
  alternatives?: Answer[];
  error?: { code: string; message: string };
}

const answers = ({ stdout }: Ran): Answer[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
const lines = (...requests: unknown[]): string => requests.map((request) => JSON.stringify(request) + '\n').join('');

test('complete answers each line in order, twice the same, with the shipped model', async () => {
  const input = lines(
    { id: 'a', prefix: 'function add(a, b) {\n  return ', suffix: '\n}\n', maxTokens: 16, temperature: 0 },
    { id: 2, prefix: 'import ', maxTokens: 8, temperature: 0.8, seed: 7 },
    { id: 'raw', prefix: 'def main():', maxTokens: 5, temperature: 0, raw: true },
  );
  const [first, second] = await Promise.all([
    glassbox(['complete'], input),
    glassbox(['complete', '--device', 'cpu'], input),
  ]);
  assert.equal(first.code, 0, first.stderr);
  assert.deepEqual(
    answers(first).map(({ id }) => id),
    ['a', 2, 'raw'],
  );
  for (const answer of answers(first)) {
    assert.equal(answer.error, undefined);
    assert.equal(answer.tokens.length, answer.logprobs.length);
    assert.ok(answer.logprobs.every((logprob) => logprob <= 0));
    assert.ok(['stop', 'eos', 'length'].includes(answer.finish));
    assert.deepEqual(Object.keys(answer.stats), [
      'promptTokens',
      'reusedTokens',
      'generatedTokens',
      'draftedTokens',
      'acceptedTokens',
      'runs',
      'firstTokenMs',
      'totalMs',
      'device',
    ]);
  }
  const lasting = (ran: Ran): unknown =>
    answers(ran).map(({ id, text, tokens, finish }) => ({ id, text, tokens, finish }));
  assert.deepEqual(lasting(first), lasting(second));
});

test('each answer is flushed before the next line comes', async () => {
  const child = spawn(process.execPath, [cli, 'complete', '--model', tiny]);
  child.stdout.setEncoding('utf8');
  for (const id of ['one', 'two']) {
    const answer = new Promise<string>((resolve) => child.stdout.once('data', resolve));
    child.stdin.write(lines({ id, prefix: 'x', maxTokens: 2 }));
    assert.equal((JSON.parse(await answer) as Answer).id, id);
  }
  child.stdin.end();
  assert.equal(await new Promise((resolve) => child.on('close', resolve)), 0);
});

test('a later line reuses what an earlier one left in the cache', async () => {
  const ran = await glassbox(
    ['complete', '--model', tiny],
    lines(
      { id: 1, prefix: 'let value = 1', maxTokens: 1, raw: true },
      { id: 2, prefix: 'let value = 2', maxTokens: 1, raw: true },
    ),
  );
  assert.deepEqual(
    answers(ran).map(({ stats }) => stats['reusedTokens']),
    [0, 13],
  );
});

test('--alternatives adds other texts, the most probable first, and none where it is not given', async () => {
  const input = lines({
    id: 1,
    prefix: 'if (name.',
    suffix: ') return;\n',
    maxTokens: 8,
    temperature: 0,
    minProbability: 0.25,
  });
  const [without, given] = await Promise.all([
    glassbox(['complete'], input),
    glassbox(['complete', '--alternatives', '2'], input),
  ]);
  assert.equal(answers(without)[0]?.alternatives, undefined);
  const [answer] = answers(given);
  assert.equal(answer?.text, answers(without)[0]?.text);
  const others = answer?.alternatives ?? [];
  assert.ok(others.length === 1 || others.length === 2, `${others.length}`);
  const probabilities = others.map(({ probability }) => probability);
  assert.deepEqual(
    probabilities,
    probabilities.toSorted((a, b) => b - a),
  );
  assert.equal(new Set([answer?.text, ...others.map(({ text }) => text)]).size, 1 + others.length);
});

/** Lines that cannot be answered: what is wrong, the line, what the message names. */
const BAD_LINES: [string, string, RegExp][] = [
  ['no JSON', '{"id": 1, prefix}', /not JSON/],
  ['no object', '[1, 2]', /not a JSON object/],
  ['no prefix', '{"id": "x"}', /"prefix" is missing/],
  ['a prefix of the wrong type', '{"prefix": 3}', /"prefix" must be a string/],
  ['a temperature below 0', '{"prefix": "a", "temperature": -1}', /"temperature" must be a number from 0/],
  ['a fraction of a token', '{"prefix": "a", "maxTokens": 1.5}', /"maxTokens" must be a whole number/],
  ['context that is no list', '{"prefix": "a", "context": "b"}', /"context" must be an array/],
  ['a min-p above 1', '{"prefix": "a", "minP": 2}', /"minP" must be a number from 0 to 1/],
  ['a typical-p of 0', '{"prefix": "a", "typicalP": 0}', /"typicalP" must be a number from 0\.001/],
  ['a repetition penalty of 0', '{"prefix": "a", "repetitionPenalty": 0}', /"repetitionPenalty" must be a number/],
  ['more tokens than the model holds', '{"prefix": "a", "maxTokens": 5000, "raw": true}', /5000.*128 tokens/],
  ['a raw prompt longer than the model holds', JSON.stringify({ prefix: 'x'.repeat(200), raw: true }), /201 tokens/],
];
test('a bad line gets an error that names the field, and the next line its answer', async () => {
  const ran = await glassbox(
    ['complete', '--model', tiny],
    [...BAD_LINES.map(([, line]) => line), '', '{"id":"good","prefix":"a","maxTokens":2}'].join('\n'),
  );
  const all = answers(ran);
  assert.equal(all.length, BAD_LINES.length + 1);
  for (const [i, [name, , message]] of BAD_LINES.entries()) assert.match(all[i]?.error?.message ?? '', message, name);
  assert.equal(all.at(-1)?.id, 'good');
  assert.equal(all.at(-1)?.error, undefined);
});

/** Command lines that cannot be run: arguments, what the one line on stderr names. */
const BAD_USE: [string[], RegExp][] = [
  [['compleet'], /unknown command "compleet"/],
  [['complete', '--modle', 'x'], /--modle/],
  [['complete', '--model'], /--model/],
  [['complete', 'stray'], /stray/],
  [['complete', '--device', 'tpu'], /--device tpu/],
  [['complete', '--speculation', 'on'], /--speculation on/],
  [['complete', '--threads', '1.5'], /--threads 1\.5 must be a whole number from 0 to 256/],
  [['complete', '--model', join(scratch, 'nowhere')], /nowhere/],
  [['complete', '--model', damaged], /damaged.config\.json is not valid JSON/],
  [['complete', '--model', noTokenizer], /tokenizer\.json/],
  [['complete', '--model', tiny, '--weights', 'onnx/other.onnx'], /other\.onnx/],
  [['generate', '--model', tiny], /--prompt is missing/],
  [
    ['generate', '--model', tiny, '--prompt', 'x'.repeat(100_000)],
    /command line has 1000\d\d characters, more than the 20000 that/,
  ],
  [['generate', '--model', tiny, '--prompt', 'a', '--top-p', '2'], /--top-p 2 must be a number from 0\.001 to 1/],
  [['generate', '--model', tiny, '--prompt', 'a', '--max-tokens', 'many'], /--max-tokens many must be a whole number/],
  [['generate', '--model', tiny, '--prompt', 'a', '--min-p', '2'], /--min-p 2 must be a number from 0 to 1/],
  [['generate', '--model', tiny, '--prompt', 'a', '--n-best', '2'], /--n-best is for beam search: give --beams/],
  [
    ['generate', '--model', tiny, '--prompt', 'a', '--beams', '2', '--n-best', '3'],
    /--n-best 3 must be .* from 1 to 2/,
  ],
  [['generate', '--model', tiny, '--prompt', 'a', '--beams', '0'], /--beams 0 must be a whole number/],
  [['generate', '--model', tiny, '--prompt', 'a', '--beams', '2', '--top-k', '3'], /--top-k is for drawing/],
  [['generate', '--model', tiny, '--prompt', 'a', '--beams', '2', '--early-stopping', 'yes'], /--early-stopping yes/],
  [['generate', '--model', tiny, '--prompt', 'a', '--beams', '2', '--max-tokens', '500'], /128 tokens/],
  [['attention', '--model', tiny, '--prompt', 'a', '--layer', '9', '--head', '0'], /no layer 9/],
  [['attention', '--model', tiny, '--prompt', 'a', '--layer', '0'], /--head is missing/],
  [['score', '--model', tiny], /nothing to score/],
];
for (const [args, message] of BAD_USE) {
  test(`exit code 2 and one line for: ${args.map((arg) => arg.replace(scratch, '…')).join(' ')}`, async () => {
    const { code, stdout, stderr } = await glassbox(args);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, message);
    assert.equal(stderr.trimEnd().split('\n').length, 1);
  });
}

test('generate streams the same text for the same seed', async () => {
  const args = [
    'generate',
    '--model',
    tiny,
    '--prompt',
    'let',
    '--max-tokens',
    '12',
    '--temperature',
    '1',
    '--top-p',
    '0.9',
    '--seed',
    '5',
  ];
  const [first, second] = await Promise.all([glassbox(args), glassbox(args)]);
  assert.equal(first.code, 0, first.stderr);
  assert.ok(first.stdout.length > 0);
  assert.equal(first.stdout, second.stdout);
});

test('each way of drawing has its say: typical, min-p, top-k and a repetition penalty change the text', async () => {
  const request = { prefix: 'let', maxTokens: 24, temperature: 1, topP: 1, seed: 3, raw: true };
  const fields = [{}, { topK: 2 }, { minP: 0.3 }, { typicalP: 0.2 }, { repetitionPenalty: 50 }];
  const ran = await glassbox(['complete', '--model', tiny], lines(...fields.map((more) => ({ ...request, ...more }))));
  const tokens = answers(ran).map((answer) => answer.tokens);
  assert.equal(new Set(tokens.map(String)).size, fields.length);
  // The penalty is so strong that no token comes twice as long as others are left.
  assert.equal(new Set(tokens[4]).size, tokens[4]!.length);
  assert.ok(new Set(tokens[0]).size < tokens[0]!.length);
});

interface Beam {
  text: string;
  tokens: number[];
  logprobs: number[];
  score: number;
}

test('generate --beams prints the best texts with their scores; one beam is greedy', async () => {
  const args = ['generate', '--model', tiny, '--prompt', 'let', '--max-tokens', '6', '--beams'];
  const [one, four, greedy] = await Promise.all([
    glassbox([...args, '1', '--early-stopping', 'true']),
    glassbox([...args, '4', '--length-penalty', '0.5', '--n-best', '2']),
    glassbox(['complete', '--model', tiny], lines({ prefix: 'let', maxTokens: 6, temperature: 0, raw: true })),
  ]);
  assert.equal(four.code, 0, four.stderr);
  const [alone] = answers(one) as unknown as Beam[];
  const [completed] = answers(greedy);
  assert.deepEqual([alone?.text, alone?.tokens], [completed?.text, completed?.tokens]);
  const best = answers(four) as unknown as Beam[];
  assert.equal(best.length, 2);
  assert.ok(best[0]!.score >= best[1]!.score);
  for (const { logprobs, score, tokens, text } of best) {
    const sum = logprobs.reduce((total, logprob) => total + logprob, 0);
    assert.ok(Math.abs(score - sum / Math.sqrt(logprobs.length)) < 1e-9);
    assert.ok(tokens.length > 0 && text.length > 0);
  }
});

test('score prints tokens, bytes, nats and bits per byte', async () => {
  const { code, stdout } = await glassbox(['score', '--model', tiny], 'naïve = 1\n');
  assert.equal(code, 0);
  const { tokens, bytes, nll, bitsPerByte } = JSON.parse(stdout) as Record<string, number>;
  assert.equal(tokens, 11);
  assert.equal(bytes, 11);
  assert.ok(Math.abs(bitsPerByte! - nll! / Math.LN2 / 11) < 1e-9);
});

test('attention prints the lower triangle, rows summing to 1', async () => {
  const { code, stdout } = await glassbox([
    'attention',
    '--model',
    tiny,
    '--prompt',
    'a + b',
    '--layer',
    String(TINY.layers - 1),
    '--head',
    '0',
  ]);
  assert.equal(code, 0);
  const { tokens, weights } = JSON.parse(stdout) as { tokens: string[]; weights: number[][] };
  assert.deepEqual(tokens, ['<s>', 'a', ' ', '+', ' ', 'b']);
  weights.forEach((row, query) => {
    assert.equal(row.length, query + 1);
    assert.ok(Math.abs(row.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-5);
  });
});

test('build makes a model that generate runs, and refuses what it cannot build', async () => {
  const [from, into] = [join(scratch, 'source'), join(scratch, 'built')];
  writeTinySource(from, { family: 'qwen3' });
  const built = await glassbox(['build', '--from', from, '--into', into, '--bits', '8']);
  assert.equal(built.code, 0, built.stderr);
  const result = JSON.parse(built.stdout) as Record<string, unknown>;
  assert.equal(result['dir'], into);
  assert.ok((result['correlation'] as number) > 0.99);
  assert.match(built.stderr, /^Reading the weights and writing them in 8 bits: 0 %\n(.*\n)+Checking .*: 100 %\n$/);
  const { code, stdout, stderr } = await glassbox(['generate', '--model', into, '--prompt', 'a', '--max-tokens', '3']);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  assert.ok(stdout.length > 0);
  for (const [args, message] of [
    [['--from', from, '--into', into], /is there already/],
    [['--from', from], /--into is missing/],
    [['--from', from, '--into', join(scratch, 'x'), '--bits', '5'], /--bits 5 is not known; there are 4 and 8/],
    [['--from', join(scratch, 'nowhere'), '--into', join(scratch, 'x')], /There is no folder .*nowhere/],
  ] as const) {
    const refused = await glassbox(['build', ...args]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, message);
  }
});

test('build that is interrupted ends with 130 and leaves nothing', async () => {
  const [from, place] = [join(scratch, 'large'), join(scratch, 'place')];
  const sizes = { layers: 12, hidden: 512, inner: 2048, vocab: 4096, heads: 8, kvHeads: 2, headDim: 64 };
  writeTinySource(from, { family: 'llama', sizes });
  mkdirSync(place);
  const child = spawn(process.execPath, [cli, 'build', '--from', from, '--into', join(place, 'model')]);
  let [stdout, begun] = ['', false];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (begun || !text.includes(' %')) return;
    begun = true;
    assert.equal(readdirSync(place).length, 1, 'it is under construction');
    child.kill('SIGINT');
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.deepEqual([code, begun, stdout, readdirSync(place)], [130, true, '', []]);
});
