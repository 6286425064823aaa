// The workspace memory on disk and beside requests: round trips, damaged files, bounds, erasing.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { WorkspaceMemory, type MemoryOptions } from '../../src/engine/memory/workspaceMemory';
import type { MemoryFile } from '../../src/protocol';

const root = mkdtempSync(join(tmpdir(), 'glassbox-memory-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;
const newDir = (): string => join(root, String(folders++)); // the memory makes it

const VOCAB = 300;
/** A token a character, the same for every line that is the same. */
const encode = (line: string): number[] => Array.from(line, (letter) => letter.charCodeAt(0));

function open(options: Partial<MemoryOptions> = {}): { memory: WorkspaceMemory; notes: string[] } {
  const notes: string[] = [];
  const memory = new WorkspaceMemory({
    encode,
    vocab: VOCAB,
    tokenizer: 'characters',
    idle: () => Promise.resolve(),
    onNote: (note) => notes.push(note),
    ...options,
  });
  return { memory, notes };
}

const file = (path: string, text: string, stamp = '1'): MemoryFile => ({ path, stamp, text });
const guess = (memory: WorkspaceMemory, tail: string, without: string[] = []): string | undefined => {
  const found = memory.voice(without).guess(encode(tail), 5);
  return found === undefined ? undefined : String.fromCharCode(...found.ids);
};

test('what is remembered is found, replaced, forgotten, and not in the document itself', async () => {
  const { memory } = open();
  const state = await memory.remember([file('a.ts', 'first'), file('b.ts', 'fish')], []);
  assert.deepEqual([state.stamps, state.tokens], [{ 'a.ts': '1', 'b.ts': '1' }, 11]); // each with a line break before
  assert.equal(guess(memory, 'fi'), 'sh');
  assert.equal(guess(memory, 'fi', ['b.ts']), 'rst');
  await memory.remember([file('b.ts', 'final', '2')], ['a.ts', 'unknown.ts']);
  assert.equal(guess(memory, 'fi'), 'nal');
  assert.deepEqual((await memory.remember([], [])).stamps, { 'b.ts': '2' });
});

test('it is the same after a restart', async () => {
  const dir = newDir();
  const { memory } = open({ dir });
  await memory.remember(
    Array.from({ length: 20 }, (_, i) => file(`a${i}.ts`, `text ${i}\nmore`)),
    [],
  );
  const before = await memory.remember([file('é/☃.ts', 'finish', '12:34'), file('empty', '')], ['a3.ts']);
  memory.saveNow();
  const again = open({ dir });
  const state = await again.memory.remember([], []);
  assert.deepEqual([state.stamps, state.tokens], [before.stamps, before.tokens]);
  assert.deepEqual(
    [guess(again.memory, 'fi'), guess(again.memory, 'xt 7'), guess(again.memory, 'xt 3')],
    ['nish', '\nmore', undefined],
  );
  assert.deepEqual(again.notes, []);
});

test('it is written by itself when nothing has changed for a while', async () => {
  const dir = newDir();
  const { memory } = open({ dir, quietMs: 1 });
  await memory.remember([file('a.ts', 'finish')], []);
  for (let waited = 0; !existsSync(join(dir, 'memory.bin')) && waited < 5000; waited += 20)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const again = open({ dir });
  await again.memory.remember([], []);
  assert.equal(guess(again.memory, 'fi'), 'nish');
});

test('erasing empties it, ends what was being remembered, and deletes the file', async () => {
  const dir = newDir();
  const { memory } = open({ dir });
  await memory.remember([file('a.ts', 'finish')], []);
  memory.saveNow();
  const late = memory.remember([file('b.ts', 'finite')], []);
  assert.deepEqual(await memory.erase(), { stamps: {}, tokens: 0, bytes: 0 });
  await late;
  assert.equal(guess(memory, 'fi'), undefined);
  memory.saveNow();
  assert.equal(existsSync(join(dir, 'memory.bin')), false);
});

test('a damaged, cut or foreign file is ignored and written over', async (t) => {
  const dir = newDir();
  const path = join(dir, 'memory.bin');
  const { memory } = open({ dir });
  await memory.remember([file('a.ts', 'finish'), file('b.ts', 'other')], []);
  memory.saveNow();
  const sound = readFileSync(path);
  const flipped = (at: number): Buffer => {
    const bytes = Buffer.from(sound);
    bytes[at] = (bytes[at] as number) ^ 0x21;
    return bytes;
  };
  const cases: [string, Buffer, Partial<MemoryOptions>?][] = [
    ['empty', Buffer.alloc(0)],
    ['foreign', Buffer.from('{"a memory": "of somebody else, and quite long enough to hold a header and a checksum"}')],
    ...[0, 8, 12, 13, 20, 60, sound.length - 40, sound.length - 1].map((at): [string, Buffer] => [
      `byte ${at}`,
      flipped(at),
    ]),
    ...[1, 9, 17, 40, sound.length - 33, sound.length - 1].map((length): [string, Buffer] => [
      `${length} bytes`,
      sound.subarray(0, length),
    ]),
    ['longer', Buffer.concat([sound, sound])],
    ['another tokenizer', sound, { tokenizer: 'other characters' }],
    ['a larger vocabulary', sound, { vocab: 150_000 }],
    ['a smaller vocabulary', sound, { vocab: 100 }],
  ];
  for (const [name, bytes, options] of cases)
    await t.test(name, async () => {
      writeFileSync(path, bytes);
      const opened = open({ dir, ...options });
      const state = await opened.memory.remember([], []);
      assert.deepEqual([state.stamps, state.tokens, opened.notes.length], [{}, 0, 1], opened.notes.join());
      await opened.memory.remember([file('c.ts', 'abab', '9')], []);
      opened.memory.saveNow();
      const again = open({ dir, ...options });
      assert.deepEqual((await again.memory.remember([], [])).stamps, { 'c.ts': '9' });
    });
});

test('a folder that cannot be written to is noted, not thrown', async () => {
  const dir = newDir();
  writeFileSync(dir, 'a file, no folder');
  const { memory, notes } = open({ dir });
  await memory.remember([file('a.ts', 'finish')], []);
  memory.saveNow();
  assert.equal(guess(memory, 'fi'), 'nish');
  assert.match(notes.join('\n'), /not written/);
});

test('what does not fit is given up, oldest first; its stamp stays', async () => {
  const maxBytes = 5 * 2 ** 20;
  const { memory, notes } = open({ maxBytes });
  const name = (i: number): string => String.fromCharCode(65 + i).repeat(4);
  const text = (i: number): string => Array.from({ length: 8 }, () => `${name(i)}-${'x'.repeat(990)}`).join('\n');
  let state = await memory.remember([], []);
  for (let i = 0; i < 16; i++)
    state = await memory.remember([file(`f${2 * i}`, text(2 * i)), file(`f${2 * i + 1}`, text(2 * i + 1))], []);
  assert.ok(state.bytes <= maxBytes, `${state.bytes} bytes`);
  assert.equal(Object.keys(state.stamps).length, 32);
  assert.ok(notes.length > 0 && notes[0]?.includes('f0'), notes.join('\n'));
  assert.equal(guess(memory, name(0)), undefined);
  assert.equal(guess(memory, name(31)), '-xxxx');
  await memory.remember([file('f0', text(0), '2')], []);
  assert.equal(guess(memory, name(0)), '-xxxx');
  state = await memory.remember([file('huge', 'y'.repeat(900).concat('\n').repeat(1000))], []);
  assert.equal(state.stamps['huge'], '1'); // known, so that it is not sent again
  assert.equal(guess(memory, 'yyy'), undefined);
});

test('where it is full, room is made for many files at once', async () => {
  const { memory, notes } = open({ maxBytes: 5 * 2 ** 20 });
  const files = Array.from({ length: 240 }, (_, i) => file(`f${i}`, 'x'.repeat(500)));
  await memory.remember(files.slice(0, 215), []);
  const given = [];
  for (const each of files.slice(215)) {
    const before = notes.length;
    await memory.remember([each], []);
    given.push(notes.length - before);
  }
  const times = given.filter((count) => count > 0).length;
  assert.ok(times >= 1 && times <= 4, given.join());
});

test('the end of the process does not spoil a file that is being written', async () => {
  const dir = newDir();
  let [writing, waiting] = [false, Promise.resolve()];
  let release = (): void => undefined;
  const idle = (): Promise<void> => {
    writing ||= existsSync(join(dir, 'memory.draft'));
    if (writing) waiting = new Promise((resolve) => (release = resolve));
    return waiting;
  };
  const { memory } = open({ dir, quietMs: 1, idle });
  await memory.remember([file('a.ts', 'finish'), file('b.ts', 'other')], []);
  const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
  for (let i = 0; !writing && i < 250; i++) await wait();
  assert.ok(writing);
  memory.saveNow();
  for (let i = 0; i < 10; i++) {
    release();
    await wait();
  }
  const again = open({ dir });
  await again.memory.remember([], []);
  assert.deepEqual([guess(again.memory, 'fi'), again.notes], ['nish', []]);
});

test('taking files in gives way: nothing is read while somebody waits', async () => {
  let release = (): void => undefined;
  let waiting = Promise.resolve();
  const { memory } = open({ idle: () => waiting });
  await memory.remember([file('a.ts', 'finish')], []);
  waiting = new Promise((resolve) => (release = resolve));
  const state = memory.remember([file('a.ts', 'finite')], []);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(guess(memory, 'fi'), 'nish');
  release();
  await state;
  assert.equal(guess(memory, 'fi'), 'nite');
});
