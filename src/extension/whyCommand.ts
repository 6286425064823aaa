// The command that says why there is no suggestion, or where the one on show comes from.

import * as vscode from 'vscode';
import { t } from '../l10n';
import type { CompletionProvider } from './completionProvider';
import { editorSuggests } from './config';
import * as reasons from './reasons';
import type { Reason, Why } from './why';

/** Says in a message what became of the last question, with the remedy as a button. */
export async function sayWhy(why: Why, provider: CompletionProvider): Promise<void> {
  const { text, remedy } = await explain(why, vscode.window.activeTextEditor, provider);
  const title = remedy?.title;
  const choice = await vscode.window.showInformationMessage(
    t('Glassbox: {0}', text),
    ...(title === undefined ? [] : [title]),
  );
  if (choice === undefined || remedy === undefined) return;
  await vscode.commands.executeCommand(remedy.command, ...(remedy.arguments ?? []));
}

/** What there is to say about the place of the cursor. */
async function explain(why: Why, editor: vscode.TextEditor | undefined, provider: CompletionProvider): Promise<Reason> {
  if (editor === undefined) return { text: t('Open a document: suggestions come where text is typed.') };
  const { question, given, last } = why;
  if (!editorSuggests(editor.document)) return reasons.editorOff();
  const here =
    question?.document === editor.document &&
    question.version === editor.document.version &&
    question.position.isEqual(editor.selection.active);
  if (!here) return (await provider.reasonAgainst(editor)) ?? reasons.notAsked();
  if (last !== undefined) return last;
  if (given === undefined) return reasons.working();
  const ms = given.ms.toFixed(0);
  if (given.probability === undefined)
    return { text: t('A suggestion was given after {0} ms and is still growing. {1}', ms, unseen()) };
  if (given.server !== undefined) return { text: ofServer(given.server, given.probability, ms) };
  const percent = (given.probability * 100).toFixed(0);
  return given.from === 'memory'
    ? { text: t('A suggestion with {0} % was given from memory after {1} ms. {2}', percent, ms, unseen()) }
    : { text: t('A suggestion with {0} % was given after {1} ms. {2}', percent, ms, unseen()) };
}

function ofServer({ host, sure }: { host: string; sure: boolean }, probability: number, ms: string): string {
  return sure
    ? t(
        'A suggestion with {0} % of the server {1} was given after {2} ms. {3}',
        (probability * 100).toFixed(0),
        host,
        ms,
        unseen(),
      )
    : t(
        'A suggestion of the server {0}, which tells no probabilities, was given after {1} ms. {2}',
        host,
        ms,
        unseen(),
      );
}

function unseen(): string {
  return t('If you do not see it, the editor shows another extension’s, or its list of suggestions is open.');
}
