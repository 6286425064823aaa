// The evaluation from end to end: a model with random weights, two small files, the shape of the report; and what cannot be used.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { evaluate, type Options } from '../../models/eval/evaluate';
import { readFolder, readHeldOut } from '../../models/eval/files';
import { parseOptions } from '../../models/eval/options';
import { readProjects } from '../../models/eval/projectFiles';
import { print } from '../../models/eval/print';
import { BadInput } from '../../src/cliInput';
import { EngineError } from '../../src/engine/errors';
import { writeTinyModel } from '../tinyModel';

const root = process.cwd();
const dir = mkdtempSync(join(tmpdir(), 'glassbox-eval-'));
const [model, files, empty, corpus] = ['model', 'files', 'empty', 'corpus.jsonl'].map((name) => join(dir, name)) as [
  string,
  string,
  string,
  string,
];
const code = (name: string): string =>
  Array.from({ length: 20 }, (_, i) => `function ${name}${i}(a) {\n  const b = a;\n  return b + ${i};\n}\n`).join('');
const shared = 'let shared = [1, 2, 3];\n'.repeat(20);
const hasXz = spawnSync('xz', ['--version']).status === 0;

before(() => {
  writeTinyModel(model);
  mkdirSync(join(files, 'node_modules'), { recursive: true });
  mkdirSync(empty);
  writeFileSync(join(files, 'a.js'), code('first'));
  writeFileSync(join(files, 'b.ts'), shared + code('second'));
  writeFileSync(join(files, 'node_modules', 'c.js'), code('third'));
  writeFileSync(join(files, 'd.txt'), code('fourth'));
  writeFileSync(
    corpus,
    `${JSON.stringify({ split: 'train', text: shared })}\n${JSON.stringify({ split: 'heldout', text: code('first') })}\n`,
  );
});
after(() => rmSync(dir, { recursive: true }));

function options(fields: Partial<Options> = {}): Options {
  return { ...parseOptions(['--model', model, '--files', files, '--corpus', corpus, '--quick'], root), ...fields };
}

test('the report has every part', { skip: !hasXz && 'there is no xz' }, async () => {
  const report = await evaluate(options({ parts: ['bpb', 'keys'] }), root, () => undefined);
  assert.deepEqual(
    report.sizes.map((size) => [size.language, size.files]),
    [
      ['typescript', 1],
      ['javascript', 1],
    ],
  );
  assert.deepEqual(report.overlap, { files: 2, sharing: 1, paths: ['b.ts'] });
  assert.equal(report.bpb?.languages.length, 2);
  for (const row of report.bpb.languages) {
    assert.ok(row.bitsPerByte > 1 && row.bitsPerByte < 20);
    assert.ok(row.xz > 0 && row.xzTogether === row.xz);
  }
  assert.ok(Number.isFinite(report.bpb.meanRatio) && report.bpb.meanRatio === report.bpb.codeRatio);
  const keys = report.keys;
  assert.ok(keys !== undefined);
  assert.equal(keys.overall.windows, 4);
  for (const { characters, keys: pressed, accepted, acceptedCharacters } of [
    keys.overall.ours,
    keys.overall.words,
    keys.overall.ngram,
    keys.overall.ngramAlone,
  ])
    assert.equal(pressed, characters - acceptedCharacters + accepted);
  assert.ok(keys.overall.words.saved > 0.05 && keys.overall.ngram.saved > 0.3, 'the files repeat themselves');
  const { saved, ratio } = keys.overall.interval;
  assert.ok(saved[0] <= keys.overall.ours.saved && keys.overall.ours.saved <= saved[1]);
  assert.ok(ratio[0] <= keys.overall.ratio && keys.overall.ratio <= ratio[1]);
  assert.equal(keys.sweep, undefined);
  assert.equal(report.fill, undefined);
  assert.match(print(report), /Keystrokes saved[^]*n-gram, file only[^]*typescript[^]*all [^\n]*\n95 % of 1000 draws/);
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
});

test('holes are filled, with and without the file', async () => {
  const { fill, overlap } = await evaluate(options({ parts: ['fill'], corpus: undefined }), root, () => undefined);
  assert.equal(overlap, null);
  assert.equal(fill?.length, 2);
  for (const row of fill) {
    assert.equal(row.lines, 12);
    assert.equal(row.blocks, 12);
    for (const share of [
      row.exact,
      row.similarity,
      row.similarityAlone,
      row.exactBlock,
      row.linesRight,
      row.blockSimilarity,
    ])
      assert.ok(share >= 0 && share <= 1);
  }
});

test('the corpus is read once, and then what was kept of it', async () => {
  const told: string[] = [];
  const again = await evaluate(options({ parts: [] }), root, (text) => told.push(text));
  assert.equal(again.overlap?.sharing, 1);
  assert.ok(!told.some((text) => text.startsWith('corpus')), told.join('; '));
});

test('the committed held-out set has every language', () => {
  const heldOut = readHeldOut(join(root, 'models/eval/heldout.jsonl'));
  for (const language of ['typescript', 'javascript', 'python', 'dts', 'markdown', 'json'])
    assert.ok(heldOut.filter((file) => file.language === language).length >= 10, language);
});

test('a project is typed with everything, and without one part after another', async () => {
  const { projects } = await evaluate(
    options({ parts: ['projects'], without: ['memory', 'context', 'copying'] }),
    root,
    () => undefined,
  );
  assert.ok(projects !== undefined && projects.windows > 0);
  assert.deepEqual(
    projects.rows.map(({ without }) => without.join(' ')),
    ['', 'memory', 'copying', 'memory context'],
  );
  const [everything, ...rest] = projects.rows;
  assert.equal(everything?.more, undefined);
  for (const { typing, saved, more } of rest) {
    assert.equal(typing.characters, everything?.typing.characters);
    assert.ok(more !== undefined && more.interval[0] <= more.saved && more.saved <= more.interval[1]);
    const compared = projects.rows.find(({ without }) => without.join() === more.than.join());
    assert.ok(Math.abs((compared?.saved ?? NaN) - saved - more.saved) < 1e-12);
  }
});

test('the committed projects have files enough, and none twice', () => {
  const projects = readProjects(join(root, 'models/eval/projects.jsonl'));
  assert.ok(projects.length >= 10);
  for (const { name, files } of projects) {
    assert.ok(files.length >= 5, name);
    assert.equal(new Set(files.map(({ text }) => text)).size, files.length, name);
  }
});

const HELD_OUT = JSON.stringify({ language: 'json', path: 'a.json', text: '{}' });
const TRAIN = JSON.stringify({ split: 'train', text: shared });

/** Writes a file of lines, alone in a folder, and gives its path. */
function written(...lines: string[]): string {
  const folder = mkdtempSync(join(dir, 'damaged-'));
  const path = join(folder, 'lines.jsonl');
  writeFileSync(path, lines.join('\n'));
  return path;
}

const evaluateWith = (path: string) => evaluate(options({ parts: [], corpus: path }), root, () => undefined);

test('blank lines are skipped', async () => {
  assert.equal(readHeldOut(written('', HELD_OUT, ' ', HELD_OUT, '', '')).length, 2);
  assert.equal((await evaluateWith(written('', TRAIN, '', ' ', TRAIN, ''))).overlap?.sharing, 1);
});

const BAD: [name: string, attempt: () => unknown, message: RegExp][] = [
  ['a part that is not known', () => parseOptions(['--only', 'bpb,speed'], root), /--only speed .*bpb, fill, keys/],
  [
    'a switch that is not known',
    () => parseOptions(['--without', 'memory,luck'], root),
    /--without luck .*memory, context/,
  ],
  ['projects that are not there', () => readProjects(join(dir, 'nowhere.jsonl')), /nowhere\.jsonl are missing/],
  ['a line of no project', () => readProjects(written(HELD_OUT)), /lines\.jsonl:1 is damaged: it has no "project"/],
  ['a flag that is not known', () => parseOptions(['--fast'], root), /--fast/],
  ['a threshold that is none', () => parseOptions(['--threshold', '1.5'], root), /--threshold 1\.5/],
  ['a folder that is not there', () => readFolder(join(dir, 'nowhere')), /nowhere is no folder/],
  ['a folder without source files', () => readFolder(empty), /holds no file/],
  ['a corpus that is not there', () => parseOptions(['--corpus', join(dir, 'nowhere')], root), /nowhere is no file/],
  ['a corpus that is a folder', () => parseOptions(['--corpus', empty], root), /--corpus .*empty is no file/],
  ['a damaged line of the corpus', () => evaluateWith(written(TRAIN, '', '{"split')), /lines\.jsonl:3 .*not JSON/],
  ['a line of the corpus without a text', () => evaluateWith(written('{"split":"train"}')), /lines\.jsonl:1 .*"text"/],
  ['a damaged line of the held-out set', () => readHeldOut(written(HELD_OUT, 'null')), /lines\.jsonl:2 .*"language"/],
  [
    'a language that is not known',
    () => readHeldOut(written(HELD_OUT.replace('json', 'cobol'))),
    /lines\.jsonl:1 .*language/,
  ],
  ['a held-out set that is a folder', () => readHeldOut(empty), /empty is missing/],
  [
    'a model that is not there',
    () => evaluate(options({ model: join(dir, 'nowhere') }), root, () => undefined),
    /no model folder .*nowhere/,
  ],
];

for (const [name, attempt, message] of BAD) {
  test(`${name} is named`, async () => {
    await assert.rejects(
      async () => void (await attempt()),
      (error: Error) => (error instanceof BadInput || error instanceof EngineError) && message.test(error.message),
    );
  });
}
