// How the text is drawn and how long it may be: in words for the title, and each changed by one short question. The answers are
// settings, so they are remembered.

import * as vscode from 'vscode';
import { t } from '../../l10n';
import { setGenerate, STRATEGIES, type Config, type Strategy } from '../config';

/** What can be chosen before a text is written. */
export type Option = 'strategy' | 'temperature' | 'length';

/** The options as they are set, in words: "top-p 0.95 · temperature 0.6 · 200 tokens". */
export function summary(config: Config): string {
  const { generateStrategy, generateSampling, generateMaxTokens } = config;
  const { temperature } = generateSampling;
  const name = strategyName(generateStrategy, config);
  return temperature === 0
    ? t('{0} · {1} tokens', strategyName('greedy', config), generateMaxTokens)
    : t('{0} · temperature {1} · {2} tokens', name, temperature, generateMaxTokens);
}

/** The buttons for the options that count as things are set. */
export function optionButtons(config: Config): (vscode.QuickInputButton & { option: Option })[] {
  const buttons: (vscode.QuickInputButton & { option: Option })[] = [
    { option: 'strategy', iconPath: new vscode.ThemeIcon('symbol-enum'), tooltip: t('Sampling Strategy…') },
    { option: 'temperature', iconPath: new vscode.ThemeIcon('flame'), tooltip: t('Temperature…') },
    { option: 'length', iconPath: new vscode.ThemeIcon('text-size'), tooltip: t('Length…') },
  ];
  return buttons.filter(({ option }) => option !== 'temperature' || config.generateStrategy !== 'greedy');
}

/** Asks for a new value of an option; nothing changes where the question is left unanswered. */
export async function changeOption(option: Option, config: Config): Promise<void> {
  if (option === 'strategy') return chooseStrategy(config);
  const { generateSampling, generateMaxTokens } = config;
  if (option === 'temperature') {
    const temperature = await askNumber({
      title: t('Temperature'),
      prompt: t('From 0 (always the likeliest token) to 2 (most random).'),
      value: generateSampling.temperature,
      valid: (value) => value >= 0 && value <= 2,
    });
    if (temperature !== undefined) await setGenerate('temperature', temperature);
  } else {
    const tokens = await askNumber({
      title: t('Length'),
      prompt: t('Most tokens to write, from 1 to 4096. A token is about three characters of code.'),
      value: generateMaxTokens,
      valid: (value) => Number.isInteger(value) && value >= 1 && value <= 4096,
    });
    if (tokens !== undefined) await setGenerate('maxTokens', tokens);
  }
}

async function chooseStrategy(config: Config): Promise<void> {
  const items = STRATEGIES.map((strategy) => ({
    label: strategyName(strategy, config),
    detail: meaning(strategy),
    ...(strategy === config.generateStrategy ? { description: t('now') } : {}),
    strategy,
  }));
  const chosen = await vscode.window.showQuickPick(items, { title: t('Sampling Strategy'), matchOnDetail: true });
  if (chosen !== undefined) await setGenerate('strategy', chosen.strategy);
}

/** A strategy's name with its number. */
function strategyName(strategy: Strategy, { strategies }: Config): string {
  const { topP = 1, minP = 0, typicalP = 1 } = strategies[strategy];
  switch (strategy) {
    case 'top-p':
      return t('top-p {0}', topP);
    case 'min-p':
      return t('min-p {0}', minP);
    case 'typical':
      return t('typical {0}', typicalP);
    case 'greedy':
      return t('greedy');
  }
}

function meaning(strategy: Strategy): string {
  switch (strategy) {
    case 'top-p':
      return t('Draws from the likeliest tokens that together hold this probability.');
    case 'min-p':
      return t('Draws from the tokens at least this many times as probable as the likeliest; suits high temperatures.');
    case 'typical':
      return t('Draws from the tokens that surprise about as much as the model expects.');
    case 'greedy':
      return t('Always takes the likeliest token; the same place gives the same text.');
  }
}

/** A number between limits, or undefined where none was given. */
async function askNumber(question: {
  title: string;
  prompt: string;
  value: number;
  valid: (value: number) => boolean;
}): Promise<number | undefined> {
  const { title, prompt, value, valid } = question;
  const read = (text: string): number => (text.trim() === '' ? NaN : Number(text.trim().replace(',', '.')));
  const answer = await vscode.window.showInputBox({
    title,
    prompt,
    value: String(value),
    validateInput: (text) => (valid(read(text)) ? undefined : prompt),
  });
  return answer === undefined ? undefined : read(answer);
}
