// .gitignore as git understands it: a table from its documentation, and random trees against git itself where it is installed.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { isIgnored, parseIgnoreFile, type IgnoreLevel } from '../../src/completion/ignoreRules';
import { seededRandom } from '../../src/engine/random';

/** .gitignore files by their folder, '' for the root. */
type Ignores = Record<string, string>;

/** Whether a file is ignored: its folders one after another, as the extension does it. */
function ignored(ignores: Ignores, file: string): boolean {
  const parts = file.split('/');
  const levels: IgnoreLevel[] = [];
  for (let depth = 0; depth < parts.length; depth++) {
    const text = ignores[parts.slice(0, depth).join('/')];
    if (text !== undefined) levels.push({ depth, rules: parseIgnoreFile(text, false) });
    if (isIgnored(levels, parts.slice(0, depth + 1), depth < parts.length - 1)) return true;
  }
  return false;
}

/** What git says. */
function byGit(ignores: Ignores, files: readonly string[]): Set<string> {
  const dir = mkdtempSync(join(tmpdir(), 'glassbox-ignore-'));
  try {
    const git = (args: string[], input = ''): string =>
      spawnSync('git', args, {
        cwd: dir,
        input,
        encoding: 'utf8',
        env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
      }).stdout;
    git(['init', '-q', '.']);
    for (const file of [...files, ...Object.keys(ignores).map((folder) => join(folder, '.gitignore'))]) {
      mkdirSync(join(dir, dirname(file)), { recursive: true });
      writeFileSync(join(dir, file), '');
    }
    for (const [folder, text] of Object.entries(ignores)) writeFileSync(join(dir, folder, '.gitignore'), text);
    return new Set(git(['check-ignore', '-z', '--stdin'], files.join('\0')).split('\0').filter(Boolean));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const hasGit = spawnSync('git', ['--version']).status === 0;

const CASES: [name: string, ignores: Ignores, ignored: string[], kept: string[]][] = [
  ['a name matches at any depth', { '': 'hello.*' }, ['hello.txt', 'a/b/hello.c'], ['hello', 'xhello.c']],
  ['a slash in front anchors', { '': '/hello.*' }, ['hello.txt'], ['a/hello.java']],
  ['a slash in the middle anchors', { '': 'doc/frotz' }, ['doc/frotz', 'doc/frotz/x'], ['a/doc/frotz']],
  ['a slash at the end means folders', { '': 'frotz/' }, ['frotz/x', 'a/frotz/x'], ['frotz', 'a/frotz']],
  [
    'foo/* leaves deeper files of kept folders alone',
    { '': 'foo/*\n!foo/bar' },
    ['foo/test.json'],
    ['foo/bar/hello.c'],
  ],
  ['** in front', { '': '**/foo/bar' }, ['foo/bar', 'a/b/foo/bar'], ['a/foo/x/bar']],
  ['** at the end', { '': 'abc/**' }, ['abc/x', 'abc/d/e'], ['abc', 'x/abc/d']],
  ['** in the middle', { '': 'a/**/b' }, ['a/b', 'a/x/b', 'a/x/y/b'], ['b', 'a/bb']],
  ['other stars are one star', { '': 'a**b' }, ['ab', 'axxb'], ['a/b', 'axx/b']],
  ['a star stops at a slash', { '': 'a/*.c' }, ['a/x.c'], ['a/b/x.c', 'x.c']],
  ['the last rule counts', { '': '*.log\n!keep.log\n' }, ['a.log', 'd/b.log'], ['keep.log', 'd/keep.log']],
  ['what lies in an ignored folder stays ignored', { '': 'out/\n!out/keep' }, ['out/keep', 'out/x'], ['keep']],
  [
    'a nested file comes before an outer one',
    { '': '*.txt', a: '!x.txt' },
    ['x.txt', 'a/y.txt'],
    ['a/x.txt', 'a/b/x.txt'],
  ],
  ['a nested file is anchored in its folder', { a: '/x' }, ['a/x'], ['x', 'a/b/x']],
  ['comments, blank lines and escapes', { '': '# c\n\n\\#x\n\\!y\nz\\*' }, ['#x', '!y', 'z*'], ['# c', 'c', 'zz']],
  ['spaces at the end', { '': 'a  \nb\\ \n c' }, ['a', 'b ', ' c'], ['b', 'c']],
  ['sets', { '': '[a-c]x\n[!a-c]y\n[]]z\n[[:digit:]]w' }, ['bx', 'dy', ']z', '1w'], ['dx', 'by', 'az', 'aw']],
  ['a set without an end matches nothing', { '': '[ab' }, [], ['[ab', 'a']],
  ['question marks', { '': '?.c' }, ['a.c'], ['ab.c', '.c']],
  ['line ends of Windows, and a byte order mark', { '': '\uFEFFx\r\n*.y\r\n' }, ['x', 'a.y'], ['xx']],
  ['everything but', { '': '/*\n!/src\n/src/*\n!/src/a' }, ['b', 'src/b', 'src/c/d'], ['src/a', 'src/a/d']],
  ['braces are ordinary characters', { '': '*.{a,b}' }, ['x.{a,b}'], ['x.a']],
];

for (const [name, ignores, out, kept] of CASES) {
  test(name, () => {
    assert.deepEqual(
      out.filter((file) => !ignored(ignores, file)),
      [],
      'not ignored',
    );
    assert.deepEqual(
      kept.filter((file) => ignored(ignores, file)),
      [],
      'ignored',
    );
    if (!hasGit) return;
    // A name cannot be a file and a folder at once: one file a tree.
    for (const file of [...out, ...kept])
      assert.equal(byGit(ignores, [file]).has(file), out.includes(file), `git: ${file}`);
  });
}

test('random rules on random trees: the same as git', { skip: !hasGit && 'git is not installed' }, () => {
  const random = seededRandom(1);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const folders = ['a', 'b', 'ab', 'x.d'];
  const names = ['a', 'b', 'ab', 'a.c', 'b.c', 'x.log', '#a', 'a b'];
  const pieces = [
    'a',
    'b',
    '*',
    '?',
    '/',
    '/',
    '**',
    '**/',
    '/**',
    '.c',
    '[ab]',
    '[!a]',
    'x',
    '.log',
    '\\#',
    ' ',
    '.d',
  ];
  let told = 0;
  for (let round = 0; round < 60; round++) {
    const line = (): string =>
      pick(['', '', '', '!', '/']) +
      Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(pieces)).join('') +
      pick(['', '', '/']);
    // Stars beside other characters: git takes a**/b, whose front it compares as it is, for a/**/b; its documentation does not.
    const text = (): string =>
      Array.from({ length: 1 + Math.floor(random() * 5) }, line)
        .filter((one) => !/[^/*!]\*\*|\*\*[^/*]/.test(one))
        .join('\n');
    const ignores: Ignores = {
      '': text(),
      [`${pick(folders)}_`]: text(),
      [`${pick(folders)}_/${pick(folders)}_`]: text(),
    };
    const files = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const depth = Math.floor(random() * 4);
      files.add([...Array.from({ length: depth }, () => `${pick(folders)}_`), pick(names)].join('/'));
    }
    const git = byGit(ignores, [...files]);
    told += git.size;
    for (const file of files)
      assert.equal(ignored(ignores, file), git.has(file), `${file} with ${JSON.stringify(ignores)}`);
  }
  assert.ok(told > 200, `git ignored only ${told} files`);
});
