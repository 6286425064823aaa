// Makes the text of a token visible: white space, control characters and broken halves of characters get glyphs of
// their own. Pure; what comes out is shown as text, never as markup. Called for the rulers, the read-out and the table.

/** What stands for a character that would not be seen. */
const GLYPHS: ReadonlyMap<number, string> = new Map([
  [0x09, '→'],
  [0x0a, '⏎'],
  [0x0d, '␍'],
  [0x20, '·'],
  [0x7f, '␡'],
  [0xa0, '⍽'],
]);

/** One visible text for one code point. */
function glyph(code: number): string {
  const known = GLYPHS.get(code);
  if (known !== undefined) return known;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (hidden(code)) return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return String.fromCodePoint(code);
}

/** Letters that are drawn as nothing: Hangul fillers, the braille blank. */
const FILLERS: ReadonlySet<number> = new Set([0x115f, 0x1160, 0x2800, 0x3164, 0xffa0]);

/** Code points that draw nothing or change what is drawn around them: C1 controls, zero-width and other format
 * characters, directions, lone surrogates, variation selectors. */
function hidden(code: number): boolean {
  return (
    (code >= 0x80 && code < 0xa0) ||
    (code >= 0xd800 && code < 0xe000) ||
    (code >= 0xfe00 && code < 0xfe10) ||
    FILLERS.has(code) ||
    /\p{Cf}|\p{Zl}|\p{Zp}/u.test(String.fromCodePoint(code))
  );
}

/** The whole token, visible. An empty token is `∅`; special tokens keep their names. */
export function visible(token: string): string {
  let text = '';
  for (const character of token) text += glyph(character.codePointAt(0) ?? 0);
  return text || '∅';
}

/** A text in which nothing can hide or turn the rest around, with blanks as they are. */
export function legible(text: string): string {
  return text.replace(/\S/gu, (character) => visible(character)).replaceAll(/[^\S ]/g, visible);
}

/** At most `length` characters of a visible token, the cut marked with `…`. */
export function shorten(text: string, length: number): string {
  const characters = [...text];
  if (characters.length <= length) return text;
  return characters.slice(0, Math.max(0, length - 1)).join('') + '…';
}
