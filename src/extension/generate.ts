// The commands that write into a document: Generate… and Continue Here. They stream at the cursor, can be cancelled, and are
// undone in one step.

import * as vscode from 'vscode';
import type { CompletionRequest } from '../protocol';
import type { Config } from './config';
import { lineComment, pathForModel, textAround } from './documents';
import { EngineFailure, type EngineClient } from './engineClient';
import { StreamInsertion } from './streamInsertion';

const HISTORY_KEY = 'generate.history';
const HISTORY_SIZE = 50;

export interface GenerateParts {
  engine: EngineClient;
  config: () => Config;
  /** Keeps the prompts. */
  memory: vscode.Memento;
  log: vscode.LogOutputChannel;
}

/** Asks for a prompt, then generates at the cursor, or in a new document where no editor is open. */
export async function generateCommand(parts: GenerateParts): Promise<void> {
  const prompt = await askForPrompt(parts.memory);
  if (prompt === undefined) return;
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    const document = await vscode.workspace.openTextDocument({ content: prompt });
    const opened = await vscode.window.showTextDocument(document);
    const end = document.positionAt(prompt.length);
    opened.selection = new vscode.Selection(end, end);
    return stream(parts, opened, prompt, '');
  }
  const { before, after } = textAround(editor.document, cursor(editor));
  await stream(parts, editor, withPrompt(before, prompt, editor.document.languageId), after);
}

/** Generates at the cursor without asking. */
export async function continueCommand(parts: GenerateParts): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    void vscode.window.showInformationMessage('Open a document and put the cursor where the text should go on.');
    return;
  }
  const { before, after } = textAround(editor.document, cursor(editor));
  await stream(parts, editor, before, after);
}

function cursor({ selection }: vscode.TextEditor): vscode.Range {
  return new vscode.Range(selection.active, selection.active);
}

/** Shows the model the prompt as a comment on a line of its own, above the cursor's line; the document does not get it. */
export function withPrompt(prefix: string, prompt: string, languageId: string): string {
  const lineStart = prefix.lastIndexOf('\n') + 1;
  const linePrefix = prefix.slice(lineStart);
  const indent = /^[ \t]*/.exec(linePrefix)?.[0] ?? '';
  return `${prefix.slice(0, lineStart)}${indent}${lineComment(languageId)}${prompt}\n${linePrefix}`;
}

async function stream(
  { engine, config, log }: GenerateParts,
  editor: vscode.TextEditor,
  prefix: string,
  suffix: string,
): Promise<void> {
  const { generateMaxTokens, generateSampling } = config();
  const request: CompletionRequest = {
    prefix,
    suffix,
    path: pathForModel(editor.document),
    maxTokens: generateMaxTokens,
    sampling: { ...generateSampling, seed: Math.floor(Math.random() * 2 ** 32) },
    raw: false,
    unbounded: true,
    endless: true,
  };
  const insertion = new StreamInsertion(editor);
  const abort = new AbortController();
  insertion.onLost((reason) => {
    abort.abort();
    void vscode.window.showErrorMessage(`Glassbox stopped writing: ${reason}`);
  });
  try {
    await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: 'Glassbox is writing', cancellable: true },
      async (progress, token) => {
        token.onCancellationRequested(() => abort.abort());
        const start = performance.now();
        let tokens = 0;
        let streamed = 0;
        const completion = await engine.complete(request, abort.signal, ({ text }) => {
          tokens++;
          streamed += text.length;
          progress.report({
            message: `${tokens} ${tokens === 1 ? 'token' : 'tokens'}, ${(tokens / ((performance.now() - start) / 1000)).toFixed(0)} a second`,
          });
          insertion.append(text);
        });
        insertion.append(completion.text.slice(streamed));
        log.info(
          `generated ${completion.stats.generatedTokens} tokens in ${completion.stats.totalMs.toFixed(0)} ms (${completion.finish}, seed ${request.sampling.seed})`,
        );
        if (completion.text === '' && completion.finish !== 'cancelled') {
          void vscode.window.showInformationMessage(
            'The model has nothing to add here. Try another place or another prompt.',
          );
        }
      },
    );
  } catch (error) {
    const reason = error instanceof EngineFailure ? error.message : String(error);
    log.error(`generate: ${reason}`);
    const choice = await vscode.window.showErrorMessage(`Glassbox could not generate: ${reason}`, 'Show Log');
    if (choice !== undefined) log.show();
  } finally {
    await insertion.end();
  }
}

/** Asks for a prompt; earlier ones are offered. */
async function askForPrompt(memory: vscode.Memento): Promise<string | undefined> {
  const history = memory.get<string[]>(HISTORY_KEY, []);
  const pick = vscode.window.createQuickPick();
  pick.title = 'Generate';
  pick.placeholder = 'What should be written? (Enter to start)';
  const show = (): void => {
    const typed = pick.value.trim();
    const earlier = history
      .filter((prompt) => prompt !== typed)
      .map((label) => ({ label, description: 'earlier prompt' }));
    pick.items = typed === '' ? earlier : [{ label: typed, alwaysShow: true }, ...earlier];
  };
  show();
  pick.onDidChangeValue(show);
  const prompt = await new Promise<string | undefined>((resolve) => {
    pick.onDidAccept(() => {
      // What was typed counts as it stands now: the list may be a key behind.
      const chosen = pick.activeItems[0];
      resolve(chosen?.description === undefined ? pick.value.trim() : chosen.label);
    });
    pick.onDidHide(() => resolve(undefined));
    pick.show();
  });
  pick.dispose();
  if (prompt === undefined || prompt === '') return undefined;
  await memory.update(HISTORY_KEY, [prompt, ...history.filter((earlier) => earlier !== prompt)].slice(0, HISTORY_SIZE));
  return prompt;
}
