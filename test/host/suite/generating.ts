// What the tests of Generate do again and again: watch the marks of a written text, answer the prompt box, press a notification's button.

import * as vscode from 'vscode';
import type { Driver } from '../driver';
import { until } from './window';

/** The commands above a written text, as the window shows them, one after the other; '' where there are none. */
export function lenses(driver: Driver): Promise<string> {
  return driver.evaluate<string>(
    `[...document.querySelectorAll('.codelens-decoration a')].map((a) => a.textContent).join(' | ')`,
  );
}

/** Waits until the commands above a text are there, or gone. */
export function lensesShown(driver: Driver, shown: boolean): Promise<true> {
  return until(`the commands above the text to ${shown ? 'come' : 'go'}`, async () =>
    (await lenses(driver)).includes('Keep (') === shown ? true : undefined,
  );
}

/** Waits for the prompt box and what its title and list say. */
export function promptBox(driver: Driver): Promise<{ title: string; value: string; list: string }> {
  return until('the prompt box', () =>
    driver
      .evaluate<{ title: string; value: string; list: string } | null>(
        `(() => {
          const box = document.querySelector('.quick-input-widget:not([style*="display: none"])');
          const input = box?.querySelector('input[type="text"], input:not([type])');
          return input && document.activeElement === input
            ? {
                title: box.querySelector('.quick-input-title')?.textContent ?? '',
                value: input.value,
                list: box.querySelector('.quick-input-list')?.textContent ?? '',
              }
            : null;
        })()`,
      )
      .then((found) => found ?? undefined),
  );
}

/** Starts Generate, types a prompt and goes down the list to a place. @returns the command, whose `done` comes when the text is complete */
export async function generate(driver: Driver, prompt: string, down = 0): Promise<{ done: Thenable<unknown> }> {
  const done = vscode.commands.executeCommand('glassbox.generate');
  await promptBox(driver);
  await driver.type(prompt);
  await until('the places', async () => ((await promptBox(driver)).list.includes(prompt) ? true : undefined));
  for (let i = 0; i < down; i++) await driver.press('ArrowDown');
  await driver.press('Enter');
  return { done };
}

/** Waits for a notification with this text and presses one of its buttons. */
export async function answer(driver: Driver, text: string, button: string): Promise<void> {
  await vscode.commands.executeCommand('notifications.showList');
  await until(`the button ${button}`, () =>
    driver
      .evaluate<boolean>(
        `(() => {
          const rows = [...document.querySelectorAll('.notification-list-item')];
          const row = rows.find((one) => one.textContent.includes(${JSON.stringify(text)}));
          const found = [...(row?.querySelectorAll('.monaco-button') ?? [])].find((one) => one.textContent === ${JSON.stringify(button)});
          found?.click();
          return found !== undefined;
        })()`,
      )
      .then((clicked) => clicked || undefined),
  );
}
