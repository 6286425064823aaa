// What the model is shown of other files. It is gathered when the cursor has come to rest in another place, and then stays
// as it is while the user writes there: the prompt begins with it, and a prompt that begins otherwise must be read anew.

import * as vscode from 'vscode';
import type { ContextFile } from '../../protocol';
import { pathForModel } from '../documents';
import type { Exclusion } from '../exclusion';
import { gather } from './gathering';
import { choose } from './parts';
import { Recent } from './recent';

/** The cursor rests when it has not moved for this long, in milliseconds: less than before what may be asked there is read ahead. */
const REST_MS = 120;
/** The cursor is in another place when it is this many lines away. */
const ELSEWHERE = 20;
/** Documents whose context is remembered. */
const MAX_DOCUMENTS = 20;

/** What is shown beside a document. */
interface Gathered {
  /** Where the cursor was; undefined: to be gathered anew. */
  line: number | undefined;
  files: ContextFile[];
}

export class OtherFiles implements vscode.Disposable {
  readonly #exclusion: Exclusion;
  readonly #enabled: () => boolean;
  readonly #log: vscode.LogOutputChannel;
  readonly #recent = new Recent();
  readonly #changed = new vscode.EventEmitter<void>();
  /** Something else is shown beside the document in the active editor. */
  readonly onDidChange = this.#changed.event;
  /** By document. */
  readonly #gathered = new Map<string, Gathered>();
  /** Counts what makes a gathering that runs useless. */
  #round = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #subscriptions: vscode.Disposable[];

  /** @param enabled whether the user wants it */
  constructor(exclusion: Exclusion, enabled: () => boolean, log: vscode.LogOutputChannel) {
    this.#exclusion = exclusion;
    this.#enabled = enabled;
    this.#log = log;
    this.#subscriptions = [
      this.#recent,
      this.#changed,
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        const known = editor && this.#gathered.get(editor.document.uri.toString());
        if (known !== undefined) known.line = undefined; // the user comes from somewhere
        this.#moved();
      }),
      vscode.window.onDidChangeTextEditorSelection(
        ({ textEditor }) => textEditor === vscode.window.activeTextEditor && this.#moved(),
      ),
      exclusion.onDidChange(() => {
        this.#gathered.clear(); // what was read may be excluded now
        this.#moved();
      }),
    ];
    this.#moved();
  }

  /** What the model is shown beside a document, the least relevant first. The same array until it changes. */
  current(document: vscode.TextDocument): ContextFile[] {
    return this.#enabled() ? (this.#gathered.get(document.uri.toString())?.files ?? []) : [];
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#round++;
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #moved(): void {
    this.#round++;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#rests(), REST_MS);
  }

  async #rests(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (editor === undefined || !this.#enabled()) return;
    const { document, selection } = editor;
    const key = document.uri.toString();
    const before = this.#gathered.get(key);
    const { line } = selection.active;
    if (before?.line !== undefined && Math.abs(before.line - line) < ELSEWHERE) return;
    const round = this.#round;
    const start = performance.now();
    const parts = await gather(document, selection.active, this.#recent, this.#exclusion, this.#log);
    if (round !== this.#round) return; // the cursor has moved on
    const chosen = choose(parts);
    const same = before !== undefined && sameFiles(before.files, chosen);
    this.#gathered.delete(key);
    this.#gathered.set(key, { line, files: same ? before.files : chosen });
    const oldest = this.#gathered.keys().next();
    if (this.#gathered.size > MAX_DOCUMENTS && oldest.done !== true) this.#gathered.delete(oldest.value);
    if (same || (before === undefined && chosen.length === 0)) return;
    this.#log.debug(
      `beside ${pathForModel(document)}: ${chosen.map(({ path, text }) => `${path} (${text.length} characters)`).join(', ') || 'nothing'}; ${(performance.now() - start).toFixed(0)} ms`,
    );
    this.#changed.fire();
  }
}

/** Whether two contexts hold the same texts, in whatever order: another order alone is not worth reading anew. */
function sameFiles(some: readonly ContextFile[], others: readonly ContextFile[]): boolean {
  const keyOf = ({ path, text }: ContextFile): string => `${path}\n${text}`;
  const keys = new Set(some.map(keyOf));
  return some.length === others.length && others.every((file) => keys.has(keyOf(file)));
}
