// Text ↔ token ids, and which ids mean something special. Wraps the tokenizer of @xenova/transformers; knows no model.

import * as xenova from '@xenova/transformers/src/tokenizers.js';
import { t } from '../l10n';
import { EngineError, otherVocabulary } from './errors';
import { CONTROL_NAMES, fimOf, type Fim } from './fim';
import type { ModelFolder } from './modelFolder';
import { textsOf, TokenTexts } from './tokenTexts';
import { namesAfter, preparedInside, preparedJson } from './tokenizerJson';

/** Classes that change in the library what tokenizer.json says; newer versions do as it says. */
const AS_WRITTEN = new Set(['LlamaTokenizer', 'CodeLlamaTokenizer', 'BloomTokenizer']);
/** Words whose ids the library remembers before it is told to forget them: it never does so by itself. */
const MAX_REMEMBERED_WORDS = 50_000;

/** A model folder's tokenizer. */
export class Tokenizer {
  readonly #inner: xenova.PreTrainedTokenizer;
  /** Matches the added tokens, special ones included, and the same without the special ones. */
  readonly #allAdded: RegExp | null;
  readonly #plainAdded: RegExp | null;
  readonly #plain: xenova.AddedToken[];
  /** What is put after a text that is whole. */
  readonly #after: readonly number[];
  /** Ids that stand for no text. */
  readonly specialIds: ReadonlySet<number>;
  /** The names of these tokens. */
  readonly specialNames: readonly string[];
  /** How the model was taught to fill holes. */
  readonly fim: Fim | undefined;
  /** Begins every text, where the model has such a token. */
  readonly bosId: number | undefined;
  readonly eosIds: ReadonlySet<number>;
  /** One more than the highest id of a token that was not added later; the model knows as many. */
  readonly wordIds: number;
  #texts: TokenTexts | undefined;
  /** What text goes through before it is cut into tokens: at the beginning of a text, and inside one. */
  readonly #ways: Record<'begin' | 'inside', Pick<xenova.PreTrainedTokenizer, 'normalizer' | 'pre_tokenizer'>>;
  /** How the vocabulary writes bytes; undefined: in no way that is known. */
  readonly #spelling: 'byte-level' | 'sentencepiece' | undefined;

  /** @throws EngineError `tokenizer_damaged`; `model_damaged` where it has more ids than the model knows */
  constructor(folder: ModelFolder) {
    try {
      const prepared = preparedJson(folder.tokenizerJson);
      this.#inner = construct(prepared, folder.tokenizerConfig);
      const { normalizer, pre_tokenizer } = this.#inner;
      const empty = { type: 'BPE', vocab: {}, merges: [] };
      const inside = { ...preparedInside(prepared), model: empty, added_tokens: [] };
      this.#ways = { begin: { normalizer, pre_tokenizer }, inside: new xenova.PreTrainedTokenizer(inside, {}) };
    } catch (error) {
      throw new EngineError(
        'tokenizer_damaged',
        t('{0}/tokenizer.json cannot be used ({1}). Restore the file.', folder.dir, (error as Error).message),
      );
    }
    this.#spelling = spellingOf(folder.tokenizerJson);
    const added = this.#inner.added_tokens;
    this.#allAdded = matching(added);
    const isSpecial = (token: { content: string; special: boolean }): boolean =>
      token.special || CONTROL_NAMES.has(token.content);
    this.#plain = added.filter((token) => !isSpecial(token));
    this.#plainAdded = matching(this.#plain);
    this.specialIds = new Set(added.filter(isSpecial).map((token) => token.id));
    this.specialNames = added.filter(isSpecial).map((token) => token.content);
    const addedIds = new Set(added.map(({ id }) => id));
    this.wordIds = this.#inner.model.vocab.length;
    while (this.wordIds > 0 && addedIds.has(this.wordIds - 1)) this.wordIds--;
    if (this.wordIds > folder.config.vocab)
      throw otherVocabulary('tokenizer', `${folder.dir}/tokenizer.json`, this.wordIds, folder);

    const idOf = (name: string): number | undefined => this.#inner.model.tokens_to_ids.get(name);
    this.#after = known(namesAfter(folder.tokenizerJson).map(idOf));
    this.fim = fimOf(idOf, folder.tokenizerConfig['fim_order'], folder.dir);

    const bosName = tokenName(folder.tokenizerConfig['bos_token']);
    // A begin token counts if the tokenizer writes it, or names it; some configs carry an id that was never trained on.
    const [first] = this.#inner.encode('', null, { add_special_tokens: true });
    this.bosId =
      first !== undefined && this.specialIds.has(first) ? first : bosName === undefined ? undefined : idOf(bosName);
    const eosName = tokenName(folder.tokenizerConfig['eos_token']);
    const eosId = eosName === undefined ? undefined : idOf(eosName);
    this.eosIds = new Set(folder.config.eosIds.length > 0 ? folder.config.eosIds : eosId === undefined ? [] : [eosId]);
  }

  /** Ids of `text` as the model's authors encode the beginning of a text: special tokens written in it count, and a begin token is put first if theirs does so. */
  encode(text: string): number[] {
    this.#inner.added_tokens_regex = this.#allAdded;
    return known(this.#inner.encode(text, null, { add_special_tokens: true }));
  }

  /** The same of a text that is whole, with what their tokenizer puts after it: for an encoder to read. */
  encodeWhole(text: string): number[] {
    return [...this.encode(text), ...this.#after];
  }

  /**
   * Ids of `text` as mere text: what looks like a special token in it is spelled out, and no token is put first.
   * @param place where it stands: SentencePiece's users put a blank before the beginning of a text, not before the rest of one
   */
  encodeText(text: string, place: 'begin' | 'inside' = 'begin'): number[] {
    if (text === '') return [];
    const { cache } = this.#inner.model;
    if (cache !== undefined && cache.size > MAX_REMEMBERED_WORDS) cache.clear();
    const inner = this.#inner;
    const { added_tokens } = inner;
    inner.added_tokens_regex = this.#plainAdded;
    // The library takes a text for a token that is nothing but its name.
    Object.assign(inner, this.#way(place), { added_tokens: this.#plain });
    try {
      return known(inner.encode(text, null, { add_special_tokens: false }));
    } finally {
      Object.assign(inner, this.#way('begin'), { added_tokens });
    }
  }

  #way(place: 'begin' | 'inside'): Pick<xenova.PreTrainedTokenizer, 'normalizer' | 'pre_tokenizer'> {
    const { normalizer, pre_tokenizer } = this.#ways[place];
    return { normalizer, pre_tokenizer };
  }

  /**
   * Ids of text that was put together from a frame, whose special tokens count, and text that was hidden from it (chat/hiding.ts); nothing
   * is put first.
   * @param reveal gives hidden text back, once the tokens have been found
   */
  encodeFramed(text: string, reveal: (text: string) => string): number[] {
    if (text === '') return [];
    const inner = this.#inner;
    const { normalizer } = inner;
    inner.added_tokens_regex = this.#allAdded;
    // The library looks for tokens first, and normalizes what stands between them.
    inner.normalizer = (piece) => (normalizer === null ? reveal(piece) : normalizer(reveal(piece)));
    try {
      return known(inner.encode(text, null, { add_special_tokens: false }));
    } finally {
      inner.normalizer = normalizer;
    }
  }

  /** The id of a token that was added to the vocabulary, special or not; undefined where no such token was. */
  addedId(name: string): number | undefined {
    return this.#inner.added_tokens.find(({ content }) => content === name)?.id;
  }

  /** Whether a token was added to the vocabulary. */
  isAdded(id: number): boolean {
    return this.#inner.added_tokens.some((token) => token.id === id);
  }

  /** Text of `ids`, without special tokens and ids that the vocabulary lacks; bytes that are not whole characters become U+FFFD. */
  decode(ids: number[]): string {
    const { vocab } = this.#inner.model;
    const written = ids.filter((id) => !this.specialIds.has(id) && vocab[id] !== undefined);
    return written.length === 0 ? '' : this.#inner.decode(written, { clean_up_tokenization_spaces: false });
  }

  /** The bytes of every token; undefined where the vocabulary writes them in no way that is known. */
  get texts(): TokenTexts | undefined {
    if (this.#spelling === undefined) return undefined;
    const { model, added_tokens: added } = this.#inner;
    this.#texts ??= new TokenTexts(
      textsOf(model.vocab, this.specialIds, this.#spelling === 'byte-level', new Set(added.map(({ id }) => id))),
    );
    return this.#texts;
  }

  /** One token for people: a special one by its name, any other as its text. */
  label(id: number): string {
    const name = this.#inner.model.vocab[id];
    if (this.specialIds.has(id)) return name ?? `#${id}`;
    return this.decode([id]) || (name ?? `#${id}`);
  }
}

function construct(json: Record<string, unknown>, config: Record<string, unknown>): xenova.PreTrainedTokenizer {
  const written = config['tokenizer_class'];
  const className = typeof written === 'string' ? written.replace(/Fast$/, '') : 'PreTrainedTokenizer';
  if (AS_WRITTEN.has(className)) return whole(new xenova.PreTrainedTokenizer(json, config));
  const named: unknown = (xenova as unknown as Record<string, unknown>)[className];
  const isTokenizer = typeof named === 'function' && named.prototype instanceof xenova.PreTrainedTokenizer;
  const Class = isTokenizer ? (named as typeof xenova.PreTrainedTokenizer) : xenova.PreTrainedTokenizer;
  return whole(new Class(json, config));
}

/** Byte order marks are text, too. */
function whole(tokenizer: xenova.PreTrainedTokenizer): xenova.PreTrainedTokenizer {
  const { decoder } = tokenizer;
  for (const part of decoder === null ? [] : [decoder, ...(decoder.decoders ?? [])])
    if (part.text_decoder !== undefined) part.text_decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return tokenizer;
}

/** Matches the contents of tokens, the longest first, with the blanks that they take in. */
function matching(added: readonly xenova.AddedToken[]): RegExp | null {
  const parts = [...added]
    .filter(({ content }) => content !== '')
    .sort((a, b) => b.content.length - a.content.length)
    .map(({ content, lstrip, rstrip }) => {
      const exact = content.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      return `${lstrip === true ? '\\s*' : ''}(${exact})${rstrip === true ? '\\s*' : ''}`;
    });
  return parts.length > 0 ? new RegExp(parts.join('|')) : null;
}

/** Without what the vocabulary has no token for, where it has no token for that either. */
function known(ids: (number | undefined)[]): number[] {
  return ids.filter((id) => id !== undefined);
}

/** How a tokenizer's vocabulary writes bytes, told by its decoder. */
function spellingOf(json: Record<string, unknown>): 'byte-level' | 'sentencepiece' | undefined {
  const decoder = JSON.stringify(json['decoder'] ?? {});
  if (decoder.includes('"ByteLevel"')) return 'byte-level';
  return /"(ByteFallback|Metaspace)"/.test(decoder) ? 'sentencepiece' : undefined;
}

function tokenName(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const content = (value as { content?: unknown } | null | undefined)?.content;
  return typeof content === 'string' ? content : undefined;
}
