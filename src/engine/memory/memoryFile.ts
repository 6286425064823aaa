// The workspace memory on disk: one file, so that after a restart only what changed is read again. Written beside its place and then
// renamed, so that there is never half a file; read back only if it is whole and was made with the same tokenizer.
//
//     "GLASSMEM", version u32 LE, length of the table u32 LE, the table (JSON), the ids of its files in order, SHA-256 of all that

import { createHash } from 'node:crypto';
import type { MemoryIndex } from './memoryIndex';

const MAGIC = 'GLASSMEM';
const VERSION = 1;
const HEADER = MAGIC.length + 8;
const DIGEST = 32;
/** Bytes that are hashed at once. */
const PIECE = 1 << 19;

/** What stands before the ids. */
interface Table {
  /** Names the tokenizer: other ids mean other text. */
  tokenizer: string;
  tokenBytes: number;
  /** Path, stamp and number of tokens of each file. */
  files: [path: string, stamp: string, tokens: number][];
}

/** A file as it was remembered. */
export interface StoredFile {
  path: string;
  stamp: string;
  ids: Uint16Array | Uint32Array;
}

/** The bytes of the file, a piece for each remembered file. */
export function* written(index: MemoryIndex, tokenizer: string): Generator<Buffer> {
  const hash = createHash('sha256');
  const files = [...index.files()];
  const table: Table = {
    tokenizer,
    tokenBytes: index.tokenBytes,
    files: files.map(({ path, stamp, tokens }) => [path, stamp, tokens]),
  };
  const json = Buffer.from(JSON.stringify(table));
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32LE(VERSION, 0);
  numbers.writeUInt32LE(json.length, 4);
  const head = Buffer.concat([Buffer.from(MAGIC, 'latin1'), numbers, json]);
  hash.update(head);
  yield head;
  for (const { path } of files) {
    const ids = index.idsOf(path);
    const bytes = Buffer.from(Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength)); // a copy: the index may move
    hash.update(bytes);
    yield bytes;
  }
  yield hash.digest();
}

/**
 * The files in such bytes, one at a time; the checksum is compared before the first, with an undefined after each piece, for whoever
 * wants to do something else meanwhile.
 * @param tokenizer, tokenBytes, vocab those of the model at hand
 * @throws RangeError that names the damage, or what they were made for
 */
export function* read(
  bytes: Buffer,
  { tokenizer, tokenBytes, vocab }: { tokenizer: string; tokenBytes: 2 | 4; vocab: number },
): Generator<StoredFile | undefined> {
  if (bytes.length < HEADER + DIGEST || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw new RangeError('it is no memory file');
  if (bytes.readUInt32LE(MAGIC.length) !== VERSION) throw new RangeError('it has another format');
  const end = bytes.length - DIGEST;
  const start = HEADER + bytes.readUInt32LE(MAGIC.length + 4);
  if (start > end) throw new RangeError('it is cut off');
  const hash = createHash('sha256');
  for (let at = 0; at < end; at += PIECE) {
    hash.update(bytes.subarray(at, Math.min(end, at + PIECE)));
    yield undefined;
  }
  if (!hash.digest().equals(bytes.subarray(end))) throw new RangeError('its checksum is wrong');
  const table = tableOf(bytes.toString('utf8', HEADER, start));
  if (table.tokenizer !== tokenizer || table.tokenBytes !== tokenBytes)
    throw new RangeError('it was made with another tokenizer');
  let at = start;
  for (const [path, stamp, tokens] of table.files) {
    const length = tokens * tokenBytes;
    if (at + length > end) throw new RangeError('its table does not fit its ids');
    const ids = tokenBytes === 2 ? new Uint16Array(tokens) : new Uint32Array(tokens);
    Buffer.from(ids.buffer).set(bytes.subarray(at, at + length));
    if (ids.some((id) => id >= vocab)) throw new RangeError('it has ids that the tokenizer has not');
    at += length;
    yield { path, stamp, ids };
  }
}

/** @throws RangeError where it is no table */
function tableOf(json: string): Table {
  let table: Partial<Table> | null;
  try {
    table = JSON.parse(json) as Partial<Table> | null;
  } catch {
    throw new RangeError('its table is damaged');
  }
  const isFile = (file: unknown): boolean =>
    Array.isArray(file) &&
    typeof file[0] === 'string' &&
    typeof file[1] === 'string' &&
    Number.isInteger(file[2]) &&
    file[2] >= 0;
  if (!Array.isArray(table?.files) || !table.files.every(isFile)) throw new RangeError('its table is damaged');
  return table as Table;
}
