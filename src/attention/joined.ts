// The tokens of a sequence as one text, so that what spans several tokens can be found in it. Pure.

/** What is known of a token here. */
export interface TokenText {
  text: string;
  /** True: it is a mark of the frame, and its text a name. */
  special: boolean;
}

/** The text, and where in it each token stands. */
export interface Joined {
  /** Texts of the tokens; a special token is one character that is in no word and no line. */
  text: string;
  /** [tokens + 1]: token i is [starts[i], starts[i + 1]). */
  starts: Int32Array<ArrayBuffer>;
}

/** Stands for a special token. */
export const MARK = '\0';

/** Joins the texts of tokens. */
export function join(tokens: readonly TokenText[]): Joined {
  const starts = new Int32Array(tokens.length + 1);
  const texts = tokens.map(({ text, special }, i) => {
    const shown = special ? MARK : text.replaceAll(MARK, ' ');
    starts[i + 1] = (starts[i] as number) + shown.length;
    return shown;
  });
  return { text: texts.join(''), starts };
}

/** Tokens that hold a part of the text. */
export interface Span {
  text: string;
  /** Where it begins in the whole text. */
  start: number;
  /** The first token and the last. */
  first: number;
  last: number;
}

/** What a pattern finds, with the tokens that hold it, in order. @param pattern has the flag g and matches no empty text */
export function spansOf({ text, starts }: Joined, pattern: RegExp): Span[] {
  const spans: Span[] = [];
  let token = 0;
  for (const match of text.matchAll(pattern)) {
    const end = match.index + match[0].length;
    // Tokens may be empty: the first is the last one that begins at or before the match and is not over by then.
    while ((starts[token + 1] as number) <= match.index) token++;
    let last = token;
    while ((starts[last + 1] as number) < end) last++;
    spans.push({ text: match[0], start: match.index, first: token, last });
  }
  return spans;
}
