// Patterns of paths: those of VS Code's settings and those of .gitignore. Matched segment by segment with at most one step back for each
// star, so that no pattern takes long: a repository's .gitignore is not to be trusted.

/** One character of a segment's pattern, or any number of them. */
type Token = { kind: 'star' } | { kind: 'any' } | { kind: 'one'; fits: (character: string) => boolean };
/** A pattern between two '/'; `deep` is **: any number of segments. */
type Segment = 'deep' | readonly Token[];
export type Pattern = readonly Segment[];

/** Names in brackets, as in [[:digit:]]. */
const CLASSES: Record<string, RegExp> = {
  alpha: /\p{L}/u,
  digit: /[0-9]/,
  alnum: /[\p{L}0-9]/u,
  upper: /\p{Lu}/u,
  lower: /\p{Ll}/u,
  space: /\s/,
  blank: /[ \t]/,
  punct: /[!-/:-@[-`{-~]/,
  xdigit: /[0-9a-fA-F]/,
};
/** A pattern whose braces stand for more than this matches everything: it keeps files out, and none may slip through. */
const MAX_ALTERNATIVES = 1000;

/**
 * Whether a path, or a folder above it, matches a pattern of VS Code's settings: `*`, `?`, `**`, `[a-z]`, `{a,b}`. A pattern without '/'
 * matches at any depth, and upper and lower case are the same: it is worse to read too much than too little.
 * @param path relative, with '/'
 */
export function matchesGlob(glob: string, path: string): boolean {
  const parts = path.split('/').filter((part) => part !== '');
  return alternatives(glob.replaceAll('\\', '/')).some((one) => {
    const plain = one.replace(/^\.?\/|\/$/g, '');
    if (plain === '') return false;
    const pattern = parsePattern(plain.includes('/') ? plain : `**/${plain}`, { escapes: false, ignoreCase: true });
    // a/** is meant to hold a as well as what is in it
    const whole = pattern.at(-1) === 'deep' ? pattern.slice(0, -1) : pattern;
    if (whole.length === 0) return parts.length > 0;
    return parts.some((_, i) => matches(whole, parts.slice(0, i + 1)));
  });
}

/**
 * Reads a pattern.
 * @param escapes whether a backslash makes the next character an ordinary one, as in .gitignore
 */
export function parsePattern(
  text: string,
  { escapes, ignoreCase }: { escapes: boolean; ignoreCase: boolean },
): Pattern {
  return text.split('/').map((segment) => (/^\*{2,}$/.test(segment) ? 'deep' : tokensOf(segment, escapes, ignoreCase)));
}

/** Whether a pattern matches all of a path. In the middle and in front ** stands for any number of segments, at the end for one or more. */
export function matches(pattern: Pattern, path: readonly string[]): boolean {
  // reach[j]: the pattern so far matches the first j segments
  let reach = [true, ...path.map(() => false)];
  pattern.forEach((segment, i) => {
    const next = path.map(() => false);
    next.unshift(false);
    if (segment === 'deep') {
      const least = i === pattern.length - 1 ? 1 : 0;
      let from = reach.indexOf(true);
      if (from >= 0) for (from += least; from <= path.length; from++) next[from] = true;
    } else {
      path.forEach((part, j) => (next[j + 1] = reach[j] === true && matchesSegment(segment, part)));
    }
    reach = next;
  });
  return reach.at(-1) === true;
}

function matchesSegment(tokens: readonly Token[], text: string): boolean {
  const characters = [...text];
  let [t, c, star, resume] = [0, 0, -1, 0];
  while (c < characters.length) {
    const token = tokens[t];
    if (token?.kind === 'star') [star, resume] = [t++, c];
    else if (token !== undefined && (token.kind === 'any' || token.fits(characters[c] as string)))
      [t, c] = [t + 1, c + 1];
    else if (star >= 0) [t, c] = [star + 1, ++resume];
    else return false;
  }
  while (tokens[t]?.kind === 'star') t++;
  return t === tokens.length;
}

function tokensOf(segment: string, escapes: boolean, ignoreCase: boolean): Token[] {
  const characters = [...segment];
  const tokens: Token[] = [];
  const fold = (character: string): string => (ignoreCase ? character.toLowerCase() : character);
  const literal = (character: string): void => {
    tokens.push({ kind: 'one', fits: (other) => fold(other) === fold(character) });
  };
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] as string;
    if (character === '*') {
      if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' });
    } else if (character === '?') tokens.push({ kind: 'any' });
    else if (character === '[') {
      const set = setFrom(characters, i, fold);
      if (set === undefined && escapes) return [{ kind: 'one', fits: () => false }]; // as git: a set without an end matches nothing
      if (set === undefined) literal(character);
      else {
        tokens.push({ kind: 'one', fits: set.fits });
        i = set.end;
      }
    } else if (character === '\\' && escapes) {
      const next = characters[++i];
      if (next === undefined) return [{ kind: 'one', fits: () => false }];
      literal(next);
    } else literal(character);
  }
  return tokens;
}

/** Reads [abc], [a-z], [!a], [^a], [[:digit:]] at `start`. @returns undefined where it has no end */
function setFrom(
  characters: readonly string[],
  start: number,
  fold: (character: string) => string,
): { fits: (character: string) => boolean; end: number } | undefined {
  let i = start + 1;
  const negated = characters[i] === '!' || characters[i] === '^';
  if (negated) i++;
  const members: ((character: string) => boolean)[] = [];
  for (let first = true; first || characters[i] !== ']'; first = false, i++) {
    let low = characters[i];
    if (low === undefined) return undefined;
    const name = low === '[' ? /^\[:([a-z]+):\]/.exec(characters.slice(i, i + 12).join('')) : null;
    if (name !== null) {
      const known = CLASSES[name[1] as string];
      members.push((character) => known?.test(character) === true);
      i += name[0].length - 1;
      continue;
    }
    if (low === '\\') low = characters[++i];
    let high = low;
    if (characters[i + 1] === '-' && characters[i + 2] !== undefined && characters[i + 2] !== ']') {
      i += 2;
      high = characters[i] === '\\' ? characters[++i] : characters[i];
    }
    if (low === undefined || high === undefined) return undefined;
    const [from, to] = [low, high];
    members.push(
      (character) =>
        (character >= from && character <= to) || (fold(character) >= fold(from) && fold(character) <= fold(to)),
    );
  }
  return { fits: (character) => members.some((member) => member(character)) !== negated, end: i };
}

/** What {a,b} stands for, also one inside another. */
function alternatives(glob: string): string[] {
  const done: string[] = [];
  const open = [glob];
  while (open.length > 0) {
    if (done.length + open.length > MAX_ALTERNATIVES) return ['**'];
    const text = open.pop() as string;
    const braces = /\{([^{}]*)\}/.exec(text); // the innermost first
    if (braces === null) {
      done.push(text);
      continue;
    }
    for (const part of (braces[1] as string).split(','))
      open.push(text.slice(0, braces.index) + part + text.slice(braces.index + braces[0].length));
  }
  return done;
}
