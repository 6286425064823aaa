// Which files of the same project a text imports, by the look of its import lines: a guess, made without a compiler. Pure text.

const SCRIPT_ENDINGS = ['.ts', '.tsx', '.js', '.jsx', '.mts', '.mjs', '.cjs', '.vue', '.svelte'];
/** Only the beginning of a text is searched: imports stand there. */
const MAX_CHARS = 20_000;
const MAX_IMPORTS = 20;

/** How a language names another file; `find` gives the paths that may be meant, without the '.' and '..' taken out. */
const LANGUAGES: { endings: RegExp; line: RegExp; find: (name: string, folder: string) => string[] }[] = [
  {
    endings: /\.([cm]?[jt]sx?|vue|svelte)$/,
    line: /(?:\bfrom|\bimport|\brequire\(|\bimport\()\s*['"](\.{1,2}\/[^'"\n]+)['"]/g,
    find: (name, folder) => {
      const path = `${folder}/${name}`;
      const bare = path.replace(/\.[cm]?jsx?$/, ''); // TypeScript's imports name the file that will be
      return [path, ...SCRIPT_ENDINGS.map((e) => bare + e), ...SCRIPT_ENDINGS.map((e) => `${path}/index${e}`)];
    },
  },
  {
    endings: /\.pyi?$/,
    line: /^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import|import[ \t]+([.\w]+))/gm,
    find: (name, folder) => {
      const dots = /^\.*/.exec(name)?.[0].length ?? 0;
      const path = name.slice(dots).replaceAll('.', '/');
      const roots = dots === 0 ? ['', 'src', folder] : [`${folder}${'/..'.repeat(dots - 1)}`];
      return roots.flatMap((root) => [`${root}/${path}.py`, `${root}/${path}/__init__.py`]);
    },
  },
  {
    endings: /\.([ch]|cc|cpp|cxx|hh|hpp|hxx|mm?|cu)$/,
    line: /^[ \t]*#[ \t]*include[ \t]+"([^"\n]+)"/gm,
    find: (name, folder) => [folder, '', 'include', 'src'].map((root) => `${root}/${name}`),
  },
  {
    endings: /\.rs$/,
    line: /^[ \t]*(?:pub[ \t]+)?(?:mod[ \t]+(\w+);|use[ \t]+crate::([\w:]+))/gm,
    find: (name, folder) => {
      const path = name.replaceAll('::', '/').replace(/\/$/, '');
      const above = path.includes('/') ? [`src/${path.slice(0, path.lastIndexOf('/'))}.rs`] : [];
      return [`${folder}/${path}.rs`, `${folder}/${path}/mod.rs`, `src/${path}.rs`, `src/${path}/mod.rs`, ...above];
    },
  },
  {
    endings: /\.rb$/,
    line: /^[ \t]*require_relative[ (]+['"]([^'"\n]+)['"]/gm,
    find: (name, folder) => [`${folder}/${name}.rb`, `${folder}/${name}`],
  },
];

/**
 * The paths that each import may mean, the likeliest first; the import nearest to the end of the list of imports last.
 * @param path of the text, relative to the project, with '/'; so are the paths returned
 */
export function importedPaths(path: string, text: string): string[][] {
  const language = LANGUAGES.find(({ endings }) => endings.test(path));
  if (language === undefined) return [];
  const folder = path.split('/').slice(0, -1).join('/');
  const found = new Map<string, string[]>();
  for (const match of text.slice(0, MAX_CHARS).matchAll(language.line)) {
    const name = match[1] ?? match[2];
    if (name === undefined || found.has(name) || found.size === MAX_IMPORTS) continue;
    const paths = language
      .find(name, folder)
      .map(normalized)
      .filter((one) => one !== undefined && one !== path);
    if (paths.length > 0) found.set(name, [...new Set(paths as string[])]);
  }
  return [...found.values()];
}

/** Takes '.' and '..' out of a path. @returns undefined where it leads out of the project */
function normalized(path: string): string | undefined {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}
