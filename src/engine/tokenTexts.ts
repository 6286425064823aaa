// The bytes that each token stands for, in order, so that all tokens that begin with some bytes are found at once.

/** Bytes are kept as strings with one character a byte (latin1). */
export class TokenTexts {
  /** By id; '' for ids that stand for no text. */
  readonly #texts: readonly string[];
  /** Ids that stand for a text, ordered by it. */
  readonly #order: Uint32Array;

  /** @param texts by id; '' for ids that stand for no text */
  constructor(texts: readonly string[]) {
    this.#texts = texts;
    const ids = [...texts.keys()].filter((id) => texts[id] !== '');
    this.#order = Uint32Array.from(ids.sort((a, b) => compare(texts[a] as string, texts[b] as string) || a - b));
  }

  of(id: number): string {
    return this.#texts[id] ?? '';
  }

  /** Ids whose bytes begin with `bytes`, or are the same. */
  startingWith(bytes: string): number[] {
    const ids: number[] = [];
    for (let i = this.#lowerBound(bytes); i < this.#order.length; i++) {
      const id = this.#order[i] as number;
      if (!this.of(id).startsWith(bytes)) break;
      ids.push(id);
    }
    return ids;
  }

  /** First index in the order whose bytes are not less than `bytes`. */
  #lowerBound(bytes: string): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.of(this.#order[middle] as number) < bytes) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * The bytes of each entry of a vocabulary, in one of the two forms in use: byte-level, where a printable character stands for each byte
 * (Radford et al. 2019), or SentencePiece with byte fallback, where ▁ is a space and `<0x0A>` a byte.
 * @param special ids that stand for no text
 * @param added ids of tokens that were added later, which are written as they are
 */
export function textsOf(
  vocab: readonly (string | undefined)[],
  special: ReadonlySet<number>,
  byteLevel: boolean,
  added: ReadonlySet<number> = new Set(),
): string[] {
  const letters = byteLevel ? byteOfLetter() : undefined;
  return Array.from(vocab, (entry, id) => {
    if (entry === undefined || special.has(id)) return '';
    if (added.has(id)) return Buffer.from(entry, 'utf8').toString('latin1');
    if (letters !== undefined)
      return Array.from(entry, (letter) => letters.get(letter) ?? Buffer.from(letter, 'utf8').toString('latin1')).join(
        '',
      );
    const byte = /^<0x([0-9A-F]{2})>$/.exec(entry)?.[1];
    return byte === undefined
      ? Buffer.from(entry.replaceAll('▁', ' '), 'utf8').toString('latin1')
      : String.fromCharCode(parseInt(byte, 16));
  });
}

/** The byte, as a character, for each printable character that stands for one. */
function byteOfLetter(): Map<string, string> {
  const letters = new Map<string, string>();
  let other = 256;
  for (let byte = 0; byte < 256; byte++) {
    const plain = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    letters.set(String.fromCharCode(plain ? byte : other++), String.fromCharCode(byte));
  }
  return letters;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
