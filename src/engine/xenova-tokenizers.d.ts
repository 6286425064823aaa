// The part of @xenova/transformers that the engine uses; the package types its entry point only.
declare module '@xenova/transformers/src/tokenizers.js' {
  export interface AddedToken {
    id: number;
    content: string;
    special: boolean;
    lstrip?: boolean;
    rstrip?: boolean;
  }
  /** One that is made of others has them in `decoders`. */
  interface Decoder {
    decoders?: Decoder[];
    text_decoder?: TextDecoder;
  }
  export class PreTrainedTokenizer {
    constructor(tokenizerJson: object, tokenizerConfig: object);
    added_tokens: AddedToken[];
    added_tokens_regex: RegExp | null;
    /** Rewrites text before it is cut into words. */
    normalizer: ((text: string) => string) | null;
    pre_tokenizer: ((text: string, options: object) => string[]) | null;
    decoder: Decoder | null;
    /** `cache` holds the ids of each word that a BPE model has seen. */
    model: { vocab: (string | undefined)[]; tokens_to_ids: Map<string, number>; cache?: Map<string, unknown> };
    encode(text: string, textPair?: null, options?: { add_special_tokens?: boolean }): (number | undefined)[];
    decode(ids: number[], options?: { skip_special_tokens?: boolean; clean_up_tokenization_spaces?: boolean }): string;
  }
}
