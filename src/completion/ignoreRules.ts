// What a .gitignore file says, by git's documented rules (gitignore(5)). Pure text; whoever knows the folders reads the files.

import { matches, parsePattern, type Pattern } from './globs';

/** One line of a .gitignore file. */
export interface IgnoreRule {
  /** True: the line began with !, and what it matches is not ignored after all. */
  negated: boolean;
  /** True: the line ended with /, and only folders match. */
  foldersOnly: boolean;
  pattern: Pattern;
}

/** The rules of one file that hold in a folder. */
export interface IgnoreLevel {
  /** Segments of the path of the folder in which the file lies. */
  depth: number;
  rules: readonly IgnoreRule[];
}

/** More lines than this are not read. */
const MAX_RULES = 5000;

/** @param ignoreCase as git on a file system that does not tell upper from lower case */
export function parseIgnoreFile(text: string, ignoreCase: boolean): IgnoreRule[] {
  const rules: IgnoreRule[] = [];
  for (let line of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .slice(0, MAX_RULES)) {
    line = withoutTrailingSpaces(line.replace(/\r$/, ''));
    if (line === '' || line.startsWith('#')) continue;
    const negated = line.startsWith('!');
    if (negated) line = line.slice(1);
    const foldersOnly = line.endsWith('/');
    if (foldersOnly) line = line.slice(0, -1);
    const anchored = line.includes('/');
    line = line.replace(/^\//, '');
    if (line === '') continue;
    const pattern = parsePattern(anchored ? line : `**/${line}`, { escapes: true, ignoreCase });
    rules.push({ negated, foldersOnly, pattern });
  }
  return rules;
}

/**
 * Whether a path is ignored whose folder is not: the innermost file that says something of it counts.
 * @param levels those that hold in its folder, the outermost first
 * @param path its segments
 */
export function isIgnored(levels: readonly IgnoreLevel[], path: readonly string[], isFolder: boolean): boolean {
  for (let i = levels.length - 1; i >= 0; i--) {
    const { depth, rules } = levels[i] as IgnoreLevel;
    const verdict = verdictOn(rules, path.slice(depth), isFolder);
    if (verdict !== undefined) return verdict;
  }
  return false;
}

/** What the rules of one file say of a path: ignored, not ignored, or, undefined, nothing. The last rule that matches counts. */
function verdictOn(rules: readonly IgnoreRule[], path: readonly string[], isFolder: boolean): boolean | undefined {
  for (let i = rules.length - 1; i >= 0; i--) {
    const { negated, foldersOnly, pattern } = rules[i] as IgnoreRule;
    if ((isFolder || !foldersOnly) && matches(pattern, path)) return !negated;
  }
  return undefined;
}

/** Spaces at the end do not count unless a backslash stands before them. */
function withoutTrailingSpaces(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === ' ' && line[end - 2] !== '\\') end--;
  return line.slice(0, end);
}
