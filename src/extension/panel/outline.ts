// A file as people name its parts: its functions and classes, its imports, the rest. Pure: lines and symbols. Lines are counted from 0.

/** A named span of lines, as a language's extension says. */
export interface Symbol {
  name: string;
  /** It is a class, a function, a method or the like, not a variable. */
  holds: boolean;
  first: number;
  last: number;
  children: Symbol[];
}

export interface Part {
  /** Of a symbol, with the names of those around it: `Basket.total`. */
  name: string;
  kind: 'symbol' | 'imports' | 'rest';
  first: number;
  last: number;
}

/** A variable of so many lines is a part, too: a function or a table. */
const LONG = 3;
/** What TypeScript's extension calls functions and classes that have no name. */
const NAMELESS = / callback$|^<.*>$/;

/**
 * The parts of a file, a part before those in it.
 * @param names what the imports and the rest are called
 */
export function partsOf(
  symbols: readonly Symbol[],
  lines: readonly string[],
  names: { imports: string; rest: string },
): Part[] {
  const parts: Part[] = [{ name: names.rest, kind: 'rest', first: 0, last: Math.max(0, lines.length - 1) }];
  const imports = importLines(lines);
  if (imports !== undefined) parts.push({ name: names.imports, kind: 'imports', ...imports });
  const add = (outer: string, all: readonly Symbol[]): void => {
    for (const { name, holds, first, last, children } of all) {
      const whole = outer === '' ? name : `${outer}.${name}`;
      const isPart = !NAMELESS.test(name) && (holds || last - first + 1 >= LONG);
      if (isPart) parts.push({ name: whole, kind: 'symbol', first, last });
      add(isPart ? whole : outer, children);
    }
  };
  add('', symbols);
  return parts;
}

/** The innermost part with a line, by its index. @param parts as `partsOf` gives them */
export function partAt(parts: readonly Part[], line: number): number {
  for (let i = parts.length - 1; i >= 0; i--) {
    const { first, last } = parts[i] as Part;
    if (first <= line && line <= last) return i;
  }
  return -1;
}

const IMPORT =
  /^\s*(?:import\b|from\s+\S+\s+import\b|#\s*include\b|using\s+[\w.]+|use\s+[\w:{\\]|require(?:_relative)?\b|package\s+[\w.]+|extern\s+crate\b|export\s.*\bfrom\s|(?:const|let|var)\s.*=\s*require\()/;
const QUIET = /^\s*(?:$|\/\/|#!|#\s|\*|\/\*|--|"""|'''|<\?php|['"]use \w)/;
/** What opens a comment of several lines, and what ends it. */
const SPANS: readonly [open: string, close: string][] = [['/*', '*/'], ['"""', '"""'], ["'''", "'''"]]; // prettier-ignore

/** First and last of the import lines at the beginning of a file; blank lines and comments may be among them. */
export function importLines(lines: readonly string[]): { first: number; last: number } | undefined {
  let found: { first: number; last: number } | undefined;
  for (let line = 0; line < lines.length; line++) {
    const text = lines[line] as string;
    if (IMPORT.test(text)) {
      let open = depth(text);
      const first = line;
      while (open > 0 && line + 1 < lines.length && line - first < 100) open += depth(lines[++line] as string);
      found = { first: found?.first ?? first, last: line };
    } else if (QUIET.test(text)) line = endOfComment(lines, line);
    else break;
  }
  return found;
}

/** The line in which a comment that is opened in `line` ends; `line` where none stays open. */
function endOfComment(lines: readonly string[], line: number): number {
  const text = (lines[line] as string).trim();
  const [open, close] = SPANS.find(([start]) => text.startsWith(start)) ?? [];
  if (open === undefined || close === undefined || text.indexOf(close, open.length) >= 0) return line;
  for (let end = line + 1; end < lines.length; end++) if (lines[end]?.includes(close)) return end;
  return line;
}

function depth(text: string): number {
  return (text.match(/[({]/g)?.length ?? 0) - (text.match(/[)}]/g)?.length ?? 0);
}
