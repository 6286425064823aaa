// The shipped model's tokenizer, quick enough for a whole corpus: a text is cut into the pieces that tokens never cross, and the ids
// of each piece are remembered.

import { EngineError } from '../../src/engine/errors';
import { readModelFolder } from '../../src/engine/modelFolder';
import { Tokenizer } from '../../src/engine/tokenizer';
import type { TokenTexts } from '../../src/engine/tokenTexts';

/** Pieces whose ids are remembered. */
const MAX_REMEMBERED = 1_000_000;

/** Text → ids of the tokenizer of a model folder whose tokenizer splits text by one pattern, as ours does. */
export class Pieces {
  readonly #tokenizer: Tokenizer;
  readonly #pattern: RegExp;
  readonly #ids = new Map<string, number[]>();
  readonly texts: TokenTexts;
  /** Stands between documents. */
  readonly end: number;
  /** One more than the highest id. */
  readonly vocab: number;

  /** @throws EngineError where the tokenizer is of another kind */
  constructor(dir: string) {
    const folder = readModelFolder(dir);
    this.#tokenizer = new Tokenizer(folder);
    const written = folder.tokenizerJson['pre_tokenizer'] as { pretokenizers?: { pattern?: { Regex?: string } }[] };
    const pattern = written.pretokenizers?.[0]?.pattern?.Regex;
    const { texts } = this.#tokenizer;
    const [end] = this.#tokenizer.eosIds;
    if (pattern === undefined || texts === undefined || end === undefined)
      throw new EngineError(
        'tokenizer_damaged',
        `${dir}/tokenizer.json does not split text by one pattern. Restore the file.`,
      );
    this.#pattern = new RegExp(pattern, 'gu');
    this.texts = texts;
    this.end = end;
    this.vocab = folder.config.vocab;
  }

  /** The ids of a text. */
  encode(text: string): number[] {
    const ids: number[] = [];
    for (const piece of text.match(this.#pattern) ?? []) {
      let found = this.#ids.get(piece);
      if (found === undefined) {
        if (this.#ids.size >= MAX_REMEMBERED) this.#ids.clear();
        this.#ids.set(piece, (found = this.#tokenizer.encodeText(piece)));
      }
      for (const id of found) ids.push(id);
    }
    return ids;
  }
}
