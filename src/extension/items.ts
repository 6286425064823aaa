// A text → what the editor is given, in the form in which Tab accepts it.

import * as vscode from 'vscode';
import { acceptable } from '../completion/acceptable';
import type { Rest } from '../completion/offer';
import { looksSecret } from '../completion/secrets';
import { tabSizeOf } from './gate';
import type { Generations } from './generations';
import type { ModelOffer } from './modelOffer';
import { cancelledOrAfter, type Question } from './question';
import * as reasons from './reasons';
import type { Reason } from './why';

/** Run by the editor when an item was accepted, with the number of its characters. */
export const ACCEPTED = '_glassbox.accepted';
/** Other texts are waited for so long, in milliseconds. */
const OTHERS_MS = 8000;

/** The item for a text; a reason where the editor or Glassbox would not show it. */
export function itemFor(
  { document, position, prefix, selected }: Question,
  { text, over }: Rest,
): vscode.InlineCompletionItem | Reason {
  if (looksSecret(text)) return reasons.secret();
  const command = { command: ACCEPTED, title: '', arguments: [text.length] };
  const item = (whole: string, range: vscode.Range): vscode.InlineCompletionItem => {
    const end = range.end.translate(0, over);
    const made = new vscode.InlineCompletionItem(whole, range.with({ end }));
    made.command = command;
    return made;
  };
  if (selected !== undefined) return item(selected.text + text, selected.range);
  const linePrefix = prefix.slice(prefix.lastIndexOf('\n') + 1);
  const accepted = acceptable(linePrefix, text, tabSizeOf(document));
  if (accepted === undefined) return reasons.nothingShown();
  return item(accepted.text, new vscode.Range(position.translate(0, -accepted.replaced), position));
}

/** Other texts at the place of the one on show, as far as they agree with the document; none where the editor no longer waits. */
export async function otherItems(
  question: Question,
  offer: ModelOffer,
  text: string,
  generations: Generations,
): Promise<vscode.InlineCompletionItem[]> {
  const { prefix, suffix, token } = question;
  while (!offer.finished && !offer.lost && question.stands()) await offer.change(token);
  if (!question.stands()) return [];
  const others = await Promise.race([generations.others(question, offer), cancelledOrAfter(token, OTHERS_MS)]);
  if (!question.stands()) return [];
  const texts = new Set([text, offer.remaining(prefix, suffix)?.text]);
  return (others ?? []).flatMap((other) => {
    const rest = other.remaining(prefix, suffix);
    if (rest === undefined || isBlank(rest) || texts.has(rest.text)) return [];
    texts.add(rest.text);
    const item = itemFor(question, rest);
    return item instanceof vscode.InlineCompletionItem ? [item] : [];
  });
}

/** White space is nothing to offer. */
export function isBlank(rest: Rest | undefined): boolean {
  return rest === undefined || rest.text.trim() === '';
}
