// Where the text of each token of a sequence stands: counted from the bytes of the tokens, and compared with the text. Pure.

import type { TokenPlace } from '../../inspectionProtocol';
import type { Part } from '../prompt';
import type { TokenTexts } from '../tokenTexts';

const FRAME: TokenPlace = { in: 'frame' };

/**
 * @param ids prompt, then generated
 * @param parts of the prompt: all its ids in turn
 * @param retyped characters before the cursor that the model wrote anew first
 * @returns a place for each id; of a token whose bytes are not those of the text, the frame
 */
export function placesOf(
  texts: TokenTexts | undefined,
  ids: readonly number[],
  parts: readonly Part[],
  retyped: number,
): TokenPlace[] {
  if (texts === undefined) return ids.map(() => FRAME);
  const places: TokenPlace[] = [];
  for (const { ids: count, from } of parts) {
    const own = ids.slice(places.length, places.length + count);
    if (from === undefined) {
      places.push(...own.map(() => FRAME));
      continue;
    }
    const place = (start: number, end: number): TokenPlace =>
      from.in === 'document'
        ? { in: 'document', start: from.at + start, end: from.at + end }
        : { in: 'file', file: from.file ?? 0, start: from.at + start, end: from.at + end };
    places.push(...along(texts, own, Buffer.from(from.text), from.cut, place));
  }
  const generated = ids.slice(places.length);
  const written = Buffer.from(generated.map((id) => texts.of(id)).join(''), 'latin1');
  places.push(
    ...along(texts, generated, written, 'end', (start, end) => ({
      in: 'generated',
      start: start - retyped,
      end: end - retyped,
    })),
  );
  return places;
}

/** The places of tokens along a text, of which they leave out the front or the end. */
function along(
  texts: TokenTexts,
  ids: readonly number[],
  bytes: Buffer,
  cut: 'front' | 'end',
  place: (start: number, end: number) => TokenPlace,
): TokenPlace[] {
  const offsets = utf16Offsets(bytes);
  const total = ids.reduce((sum, id) => sum + texts.of(id).length, 0);
  let at = cut === 'front' ? bytes.length - total : 0;
  return ids.map((id) => {
    const own = texts.of(id);
    const start = at;
    at += own.length;
    if (own === '' || start < 0 || bytes.toString('latin1', start, at) !== own) return FRAME;
    // Tokens that split a character share it.
    return place(offsets[start] as number, end(offsets, at));
  });
}

/** The offset after the character that the byte before `at` belongs to. */
function end(offsets: Int32Array, at: number): number {
  let next = at;
  while (next < offsets.length - 1 && offsets[next] === offsets[at - 1]) next++;
  return offsets[next] as number;
}

/** [bytes + 1]: by byte, the UTF-16 offset of the character that it belongs to; last, the length of the text. */
function utf16Offsets(bytes: Buffer): Int32Array {
  const offsets = new Int32Array(bytes.length + 1);
  let offset = 0;
  for (let i = 0; i < bytes.length;) {
    const length = characterAt(bytes, i);
    offsets.fill(offset, i, i + length);
    offset += length === 4 ? 2 : 1;
    i += length;
  }
  offsets[bytes.length] = offset;
  return offsets;
}

/**
 * How many bytes the character at `at` has, or the piece that a decoder makes one U+FFFD of: what a model writes need not be whole
 * (Encoding Standard, UTF-8 decoder: a lead byte and what may follow it, as far as it goes).
 */
function characterAt(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  const wanted = first < 0xc2 || first > 0xf4 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  // After some lead bytes the second is bound more narrowly: no surrogates, nothing too long, nothing past U+10FFFF.
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  let length = 1;
  while (length < wanted) {
    const next = bytes[at + length] ?? 0;
    if (next < (length === 1 ? least : 0x80) || next > (length === 1 ? most : 0xbf)) break;
    length++;
  }
  return length;
}
