// The one question of Generate: what to write. Enter takes the likeliest place; the others are a line below, and how the text is drawn
// is behind buttons.

import * as vscode from 'vscode';
import { t } from '../../l10n';
import type { Config } from '../config';
import { changeOption, optionButtons, summary, type Option } from './options';
import { targetName, type Target } from './place';

const HISTORY_KEY = 'generate.history';
const HISTORY_SIZE = 50;
/** Of a longer prompt so many characters are shown in the list, so that the place beside it can be read. */
const MAX_LABEL = 40;
const TARGET_ICONS: Record<Target, string> = {
  cursor: 'insert',
  replace: 'replace',
  after: 'arrow-down',
  document: 'new-file',
};

/** What somebody wants written, and where. */
export interface Wish {
  prompt: string;
  target: Target;
}

export interface FlowParts {
  config: () => Config;
  /** Keeps the prompts. */
  memory: vscode.Memento;
}

interface Item extends vscode.QuickPickItem {
  target?: Target;
  earlier?: true;
}

/** Asks for a prompt; earlier ones are offered. @param targets the likeliest first @param prompt what stands in the box at first */
export async function askForPrompt(
  { config, memory }: FlowParts,
  targets: readonly Target[],
  prompt = '',
): Promise<Wish | undefined> {
  let typed = prompt;
  for (;;) {
    const answer = await pickPrompt(config(), memory, targets, typed);
    if (answer === undefined || 'prompt' in answer) {
      if (answer !== undefined) await remember(memory, answer.prompt);
      return answer;
    }
    typed = answer.typed;
    await changeOption(answer.option, config());
  }
}

type Answer = Wish | { option: Option; typed: string } | undefined;

async function pickPrompt(
  config: Config,
  memory: vscode.Memento,
  targets: readonly Target[],
  typed: string,
): Promise<Answer> {
  const pick = vscode.window.createQuickPick<Item>();
  const [likeliest = 'document'] = targets;
  pick.title = t('Generate: {0}', summary(config));
  pick.placeholder = t('What should be written?');
  pick.value = typed;
  pick.ignoreFocusOut = true;
  const buttons = optionButtons(config);
  pick.buttons = buttons;
  const edit = { iconPath: new vscode.ThemeIcon('edit'), tooltip: t('Edit') };
  const forget = { iconPath: new vscode.ThemeIcon('trash'), tooltip: t('Remove from the List') };
  const show = (): void => {
    const now = pick.value.trim();
    // VS Code puts the labels first that match what was typed: those of the places are what was typed.
    const places = targets.map((target) => ({
      label: now.length > MAX_LABEL ? `${now.slice(0, MAX_LABEL)}…` : now,
      description: `$(${TARGET_ICONS[target]}) ${targetName(target)}`,
      alwaysShow: true,
      target,
    }));
    const earlier = history(memory)
      .filter((prompt) => prompt !== now)
      .map((label): Item => ({ label, buttons: [edit, forget], earlier: true }));
    const separator: Item = { label: t('earlier prompts'), kind: vscode.QuickPickItemKind.Separator };
    pick.items = [...(now === '' ? [] : places), ...(earlier.length === 0 ? [] : [separator, ...earlier])];
    if (now !== '') pick.activeItems = places.slice(0, 1);
  };
  show();
  const subscriptions = [
    pick.onDidChangeValue(show),
    pick.onDidTriggerItemButton(async ({ item, button }) => {
      if (button === forget) await forgetPrompt(memory, item.label);
      else pick.value = item.label;
      show();
    }),
  ];
  const answer = await new Promise<Answer>((resolve) => {
    subscriptions.push(
      pick.onDidTriggerButton((button) => {
        const found = buttons.find((one) => one === button);
        if (found !== undefined) resolve({ option: found.option, typed: pick.value });
      }),
      pick.onDidAccept(() => {
        const [chosen] = pick.activeItems;
        // What was typed counts as it stands now: the list may be a key behind.
        const prompt = chosen?.earlier === true ? chosen.label : pick.value.trim();
        if (prompt !== '') resolve({ prompt, target: chosen?.target ?? likeliest });
      }),
      pick.onDidHide(() => resolve(undefined)),
    );
    pick.show();
  });
  for (const subscription of subscriptions) subscription.dispose();
  pick.dispose();
  return answer;
}

function history(memory: vscode.Memento): string[] {
  return memory.get<string[]>(HISTORY_KEY, []);
}

async function remember(memory: vscode.Memento, prompt: string): Promise<void> {
  const others = history(memory).filter((earlier) => earlier !== prompt);
  await memory.update(HISTORY_KEY, [prompt, ...others].slice(0, HISTORY_SIZE));
}

async function forgetPrompt(memory: vscode.Memento, prompt: string): Promise<void> {
  await memory.update(
    HISTORY_KEY,
    history(memory).filter((earlier) => earlier !== prompt),
  );
}
