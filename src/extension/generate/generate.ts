// The commands that write into a document: Generate… and Continue Here, and those that decide about what was written. There is one text
// at a time: who starts another keeps the one before.

import * as vscode from 'vscode';
import { t } from '../../l10n';
import { Marks } from './marks';
import { placeFor, targetsIn, type Target } from './place';
import { askForPrompt, type FlowParts } from './promptFlow';
import { Session, type SessionParts } from './session';

/** True while the active editor has a text to decide about; the keys and commands go by it. */
const CONTEXT_KEY = 'glassbox.generated';

export type GenerateParts = SessionParts & FlowParts;

/** What was asked for, so that the prompt can be edited. */
interface Asked {
  prompt: string;
  targets: readonly Target[];
  source: vscode.TextEditor | undefined;
}

export class Generate implements vscode.Disposable {
  readonly #parts: GenerateParts;
  readonly #marks = new Marks();
  readonly #watching = vscode.window.onDidChangeActiveTextEditor(() => this.#show());
  #session: Session | undefined;
  #asked: Asked | undefined;
  #contextKey = false;

  constructor(parts: GenerateParts) {
    this.#parts = parts;
  }

  /** Asks for a prompt, then writes where the answer says; resolves when the text is complete. */
  async ask(): Promise<void> {
    const source = vscode.window.activeTextEditor;
    const targets = targetsIn(source);
    const wish = await askForPrompt(this.#parts, targets);
    if (wish !== undefined) await this.#start(wish.target, { prompt: wish.prompt, targets, source });
  }

  /** Writes at the cursor without asking. */
  async continueHere(): Promise<void> {
    const source = vscode.window.activeTextEditor;
    const [target = 'document'] = targetsIn(source);
    if (source === undefined || target === 'document') {
      void vscode.window.showInformationMessage(
        source === undefined
          ? t('Open a document and put the cursor where the text should go on.')
          : t('{0} cannot be edited.', vscode.workspace.asRelativePath(source.document.uri)),
      );
      return;
    }
    const { state } = this.#parts.local;
    const rewrites = (state.kind === 'ready' || state.kind === 'asleep') && state.info.kind === 'encoder-decoder';
    // Such a model has nothing to go on from where a text is selected: it writes another one in its place.
    if (rewrites && !source.selection.isEmpty)
      return this.#start('replace', { prompt: '', targets: targetsIn(source), source });
    await this.#start('cursor', { prompt: '', targets: ['cursor', 'document'], source });
  }

  keep(): Promise<void> | undefined {
    return this.#session?.keep();
  }

  discard(): Promise<void> | undefined {
    return this.#session?.discard();
  }

  again(): Promise<void> | undefined {
    return this.#session?.again();
  }

  /** Asks for the prompt again; an answer takes the text back and starts anew, no answer leaves it. */
  async editPrompt(): Promise<void> {
    const session = this.#session;
    const asked = this.#asked;
    if (session === undefined || asked === undefined) return;
    await session.stop();
    const wish = await askForPrompt(this.#parts, asked.targets, asked.prompt);
    if (wish === undefined) return;
    await session.discard();
    await this.#start(wish.target, { ...asked, prompt: wish.prompt });
  }

  dispose(): void {
    this.#watching.dispose();
    this.#marks.dispose();
  }

  async #start(target: Target, asked: Asked): Promise<void> {
    await this.#session?.keep();
    const place = await placeFor(target, asked.prompt, asked.source);
    const session = new Session(this.#parts, place, () => this.#show());
    this.#session = session;
    this.#asked = asked;
    await session.write();
  }

  #show(): void {
    if (this.#session?.ended === true) this.#session = undefined;
    const session = this.#session;
    const range = session?.range;
    this.#marks.show(session === undefined || range === undefined ? undefined : { document: session.document, range });
    const here = session !== undefined && vscode.window.activeTextEditor?.document === session.document;
    if (here === this.#contextKey) return;
    this.#contextKey = here;
    void vscode.commands.executeCommand('setContext', CONTEXT_KEY, here);
  }
}
