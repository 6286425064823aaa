// The regular expressions of tokenizer.json, written for Oniguruma, in JavaScript's syntax with the flag u. Knows no tokenizer.

/** What a letter stands for after a backslash, inside [ ]: Oniguruma counts all of Unicode where JavaScript counts ASCII. */
const CLASSES: Record<string, string> = {
  s: '\\t-\\r \\x85\\p{Z}',
  d: '\\p{Nd}',
  w: '\\p{L}\\p{M}\\p{Nd}\\p{Pc}',
  h: '0-9A-Fa-f',
};
/** Signs that JavaScript wants after a backslash, or takes there. */
const SYNTAX = '^$\\.*+?()[]{}|/';

/**
 * Rewrites a pattern: possessive quantifiers as greedy ones, groups without regard to case spelled out, classes in classes as one, and
 * no backslash before what needs none. Whatever else JavaScript cannot read is left for it to refuse.
 */
export function inJavaScript(pattern: string): string {
  let at = 0;
  let out = '';
  /** What comes next stands behind a quantifier. */
  let quantified = false;
  /** By open group: whether case counts for nothing inside. */
  const groups: boolean[] = [];
  const folded = (char: string): string => {
    const [lower, upper] = [char.toLowerCase(), char.toUpperCase()];
    return groups.includes(true) && lower !== upper && [...upper].length === 1 ? `[${lower}${upper}]` : char;
  };
  while (at < pattern.length) {
    const rest = pattern.slice(at);
    const char = String.fromCodePoint(pattern.codePointAt(at) as number);
    const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\})/.exec(rest)?.[0];
    if (quantifier !== undefined) {
      if (!quantified || quantifier === '?') out += quantifier; // a second + is possessive, a second ? is not greedy
      quantified = !quantified;
      at += quantifier.length;
      continue;
    }
    quantified = false;
    const insensitive = /^\(\?i:/.exec(rest)?.[0];
    if (insensitive !== undefined) {
      groups.push(true);
      out += '(?:';
      at += insensitive.length;
    } else if (char === '(') {
      groups.push(false);
      // What says which kind of group it is is kept as it stands.
      const kind = /^\((?:\?(?:<?[=!]|:))?/.exec(rest)?.[0] as string;
      out += kind;
      at += kind.length;
    } else if (char === ')') {
      groups.pop();
      out += char;
      at++;
    } else if (char === '\\') {
      const [taken, meant] = escaped(rest);
      out += meant;
      at += taken;
    } else if (char === '[') {
      const { text, length } = readClass(rest);
      out += text;
      at += length;
    } else {
      out += folded(char);
      at += char.length;
    }
  }
  return out;
}

/** An escape outside a class: its length, and how JavaScript writes it. */
function escaped(rest: string): [taken: number, meant: string] {
  const property = /^\\[pP]\{[^}]*\}|^\\u[0-9A-Fa-f]{4}|^\\u\{[^}]*\}|^\\x[0-9A-Fa-f]{2}/.exec(rest)?.[0];
  if (property !== undefined) return [property.length, property];
  const letter = rest[1] ?? '';
  const known = CLASSES[letter.toLowerCase()];
  if (known !== undefined) return [2, `[${letter === letter.toLowerCase() ? '' : '^'}${known}]`];
  if (letter === 'A') return [2, '(?<![^])'];
  if (letter === 'z' || letter === 'Z') return [2, '(?![^])'];
  const plain = /[A-Za-z0-9]/.test(letter) || SYNTAX.includes(letter);
  return [2, plain ? `\\${letter}` : letter];
}

/** A class, one inside it taken apart, as JavaScript writes it. */
function readClass(rest: string): { text: string; length: number } {
  const negated = rest[1] === '^';
  let at = negated ? 2 : 1;
  let inner = '';
  while (at < rest.length && (rest[at] !== ']' || at === (negated ? 2 : 1))) {
    if (rest[at] === '[' && rest[at + 1] !== ':') {
      const nested = readClass(rest.slice(at));
      if (nested.text.startsWith('[^')) throw new Error(`a pattern has ${nested.text} in a class`);
      inner += nested.text.slice(1, -1);
      at += nested.length;
    } else if (rest[at] === '\\') {
      const property = /^\\[pP]\{[^}]*\}|^\\u[0-9A-Fa-f]{4}|^\\u\{[^}]*\}|^\\x[0-9A-Fa-f]{2}/.exec(rest.slice(at))?.[0];
      const letter = rest[at + 1] ?? '';
      if (property !== undefined) inner += property;
      else if (letter === 'S') inner += '\\S';
      else if (CLASSES[letter] !== undefined) inner += CLASSES[letter];
      else inner += /[A-Za-z0-9]/.test(letter) || `${SYNTAX}-`.includes(letter) ? `\\${letter}` : letter;
      at += property?.length ?? 2;
    } else {
      inner += rest[at] === '[' ? '\\[' : (rest[at] as string);
      at++;
    }
  }
  return { text: `[${negated ? '^' : ''}${inner}]`, length: at + 1 };
}
