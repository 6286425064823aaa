// Where the tokens of a completion stand, in words: lines, and the parts that people have names for.

import * as vscode from 'vscode';
import { t } from '../../l10n';
import type { TextAnswer } from '../../inspectionProtocol';
import type { HostSources, SourcePart } from '../../webviewProtocol';
import { originOf } from '../context/parts';
import { readText } from '../context/reading';
import type { Exclusion } from '../exclusion';
import { fileNames } from './fileNames';
import { partAt, partsOf, type Part, type Symbol } from './outline';
import type { Place, Places } from './places';
import type { Suggestion } from './suggestion';

/** The languages' extensions have so long to name the parts, in milliseconds; then the answer is given without, and once more when they have. */
const SYMBOLS_MS = 300;
/** Kinds of symbols that hold what people look for. */
const HOLDS = new Set([
  vscode.SymbolKind.Module,
  vscode.SymbolKind.Namespace,
  vscode.SymbolKind.Class,
  vscode.SymbolKind.Method,
  vscode.SymbolKind.Constructor,
  vscode.SymbolKind.Enum,
  vscode.SymbolKind.Interface,
  vscode.SymbolKind.Function,
  vscode.SymbolKind.Struct,
]);

/** One file's parts, as far as they are sources. */
interface Outline {
  file: string;
  parts: Part[];
}

/** What a language's extension has said of a text. */
interface Named {
  text: string;
  symbols: Symbol[];
}
/** Of so many files it is remembered what was said too late. */
const MOST_LATE = 20;

export class Sources {
  readonly #exclusion: Exclusion;
  readonly #onLate: () => void;
  readonly #late = new Map<string, Named>();

  /** @param onLate parts of a file have been named after the answer was given: it would be another now */
  constructor(exclusion: Exclusion, onLate: () => void) {
    this.#exclusion = exclusion;
    this.#onLate = onLate;
  }

  /** Where each token of a sequence comes from. Never rejects. */
  async of(facts: TextAnswer, suggestion: Suggestion | undefined, places: Places): Promise<HostSources> {
    const { sequence, tokens } = facts;
    const uris = new Set(places.at.flatMap((place) => (place === undefined ? [] : [place.uri])));
    const outlines = new Map<string, Outline>();
    const parsed = [...uris].map((uri) => [uri, vscode.Uri.parse(uri, true)] as const);
    const names = fileNames(parsed.map(([, { path }]) => path));
    await Promise.all(
      parsed.map(async ([name, uri]) =>
        outlines.set(name, { file: names.get(uri.path) ?? '', parts: await this.#parts(uri) }),
      ),
    );
    const table = new Table();
    const partOf = new Int32Array(tokens.length).fill(-1);
    const lineOf = new Int32Array(tokens.length);
    tokens.forEach(({ place, text }, position) => {
      const now = places.at[position];
      if (now !== undefined) {
        // A line break belongs to the line that follows: a token often is a break and the indentation after it.
        const line = text.startsWith('\n') && text.trim() === '' ? now.range.end.line : firstInk(now, text);
        lineOf[position] = line + 1;
        const outline = outlines.get(now.uri);
        if (place.in !== 'generated' && outline !== undefined)
          partOf[position] = table.add(outline, partAt(outline.parts, line));
      } else if (place.in === 'file') {
        const copied = suggestion?.request.context?.[place.file];
        if (copied !== undefined && originOf(copied) === undefined)
          partOf[position] = table.copied(copied.path, copied.text);
      }
    });
    return { type: 'sources', sequence, parts: table.parts, partOf, lineOf, changed: places.changed };
  }

  async #parts(uri: vscode.Uri): Promise<Part[]> {
    const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
    const text = open?.getText() ?? (await readText(uri, this.#exclusion)) ?? '';
    const symbols = text === '' ? [] : await this.#symbols(uri, text);
    return partsOf(symbols, text.split(/\r?\n/), { imports: t('the imports'), rest: t('the rest of the file') });
  }

  /** The symbols of a file; none where the language's extension does not name them in time. */
  async #symbols(uri: vscode.Uri, text: string): Promise<Symbol[]> {
    const name = uri.toString();
    const known = this.#late.get(name);
    if (known?.text === text) return known.symbols;
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), SYMBOLS_MS)));
    const asked = symbolsOf(uri);
    const symbols = await Promise.race([asked, over]);
    clearTimeout(timer);
    if (symbols === undefined)
      void asked.then((late) => {
        this.#late.delete(name);
        this.#late.set(name, { text, symbols: late });
        const [oldest] = this.#late.keys();
        if (this.#late.size > MOST_LATE && oldest !== undefined) this.#late.delete(oldest);
        if (late.length > 0) this.#onLate();
      });
    return symbols ?? [];
  }
}

/** The line of a token's first character that is no white space. */
function firstInk({ range }: Place, text: string): number {
  const breaks = /^\s*/.exec(text)?.[0].match(/\n/g)?.length ?? 0;
  return Math.min(range.start.line + breaks, range.end.line);
}

/** The parts that are sources, each once. */
class Table {
  readonly parts: SourcePart[] = [];
  readonly #index = new Map<Part | string, number>();

  add({ file, parts }: Outline, index: number): number {
    const part = parts[index];
    if (part === undefined) return -1;
    const { name, kind, first, last } = part;
    return this.#add(part, { name, kind, file, firstLine: first + 1, lastLine: last + 1 });
  }

  /** What the user has copied stands in no file. */
  copied(file: string, text: string): number {
    const lastLine = text.split('\n').length;
    return this.#add(`copied ${file}`, { name: t('the copied text'), kind: 'rest', file, firstLine: 1, lastLine });
  }

  #add(key: Part | string, part: SourcePart): number {
    const known = this.#index.get(key) ?? this.parts.push(part) - 1;
    this.#index.set(key, known);
    return known;
  }
}

/** The symbols of a file, whenever the language's extension names them; none where it fails. */
async function symbolsOf(uri: vscode.Uri): Promise<Symbol[]> {
  try {
    const found = await vscode.commands.executeCommand<
      (vscode.DocumentSymbol | vscode.SymbolInformation)[] | undefined
    >('vscode.executeDocumentSymbolProvider', uri);
    return (found ?? []).map(symbolOf);
  } catch {
    return []; // it is another extension that failed
  }
}

function symbolOf(symbol: vscode.DocumentSymbol | vscode.SymbolInformation): Symbol {
  const range = 'range' in symbol ? symbol.range : symbol.location.range;
  return {
    name: symbol.name,
    holds: HOLDS.has(symbol.kind),
    first: range.start.line,
    last: range.end.line,
    children: 'children' in symbol ? symbol.children.map(symbolOf) : [],
  };
}
