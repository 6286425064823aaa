// What is said of a token of the completion on show, where the mouse rests on it in an editor.

import * as vscode from 'vscode';
import { t } from '../../l10n';
import type { Share } from './shares';

/** Shows a token in the panel; its arguments are sequence and position. */
export const SHOW_TOKEN = '_glassbox.showToken';

/** What the hover needs to know. */
export interface HoverSource {
  /** The token of the sequence on show at a place; undefined where there is none, or nobody looks at the panel. */
  tokenAt(document: vscode.TextDocument, position: vscode.Position): HoverToken | undefined;
  /** How much the completion looked at it. */
  share(token: HoverToken): Promise<Share | undefined>;
}

export interface HoverToken {
  sequence: number;
  position: number;
  range: vscode.Range;
}

export class TokenHover implements vscode.HoverProvider {
  readonly #source: HoverSource;

  constructor(source: HoverSource) {
    this.#source = source;
  }

  async provideHover(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Hover | undefined> {
    const token = this.#source.tokenAt(document, position);
    if (token === undefined) return undefined;
    const found = await this.#source.share(token).catch(() => undefined);
    if (found === undefined) return undefined;
    const percent = (found.share * 100).toLocaleString(vscode.env.language, { maximumSignificantDigits: 2 });
    const words = t('Looked at by the completion: {0} %, rank {1}', percent, found.rank);
    const link = `command:${SHOW_TOKEN}?${encodeURIComponent(JSON.stringify([token.sequence, token.position]))}`;
    const text = new vscode.MarkdownString();
    text.isTrusted = { enabledCommands: [SHOW_TOKEN] };
    text.appendText(words).appendMarkdown(`\n\n[${t('Show in the panel')}](${link})`);
    return new vscode.Hover(text, token.range);
  }
}
