// Every reason for which nothing is shown, in words, with its remedy where there is one.

import { basename } from 'node:path';
import type * as vscode from 'vscode';
import type { Cut } from '../completion/cut';
import { t } from '../l10n';
import type { Completion } from '../protocol';
import type { Config } from './config';
import type { Exclusions } from './exclusion';
import type { Reason } from './why';

function setting(title: string, id: string): NonNullable<Reason['remedy']> {
  return { title, command: 'workbench.action.openSettings', arguments: [`@id:${id}`] };
}

export function off(config: Config, { languageId }: vscode.TextDocument): Reason {
  if (!config.enabled)
    return {
      text: t('Suggestions are off.'),
      remedy: { title: t('Turn On'), command: 'glassbox.toggle' },
    };
  return {
    text: t('Suggestions are off for the language {0}.', languageId),
    remedy: setting(t('Open Setting'), 'glassbox.enabled'),
  };
}

export function excluded(why: Exclusions, { fileName }: vscode.TextDocument): Reason {
  const name = basename(fileName);
  switch (why) {
    case 'secret':
      return {
        text: t('{0} is a kind of file that holds passwords or keys: there are never suggestions in it.', name),
      };
    case 'exclude':
      return {
        text: t('{0} is excluded by the setting {1}.', name, 'glassbox.exclude'),
        remedy: setting(t('Open Setting'), 'glassbox.exclude'),
      };
    case 'gitignore':
      return {
        text: t('{0} is ignored by .gitignore, and the setting {1} excludes such files.', name, 'glassbox.gitignore'),
        remedy: setting(t('Open Setting'), 'glassbox.gitignore'),
      };
  }
}

export function notForWriting(): Reason {
  return { text: t('This document is not one that is written in.') };
}

export function failed(reason: string): Reason {
  return { text: reason, remedy: { title: t('Restart Engine'), command: 'glassbox.restartEngine' } };
}

export function rewrites(name: string): Reason {
  return {
    text: t('{0} is an encoder–decoder model: it rewrites a text in Generate, and makes no suggestions.', name),
    remedy: { title: t('Choose Model'), command: 'glassbox.chooseModel' },
  };
}

export function loading(): Reason {
  return { text: t('The model is being loaded. The suggestion comes as soon as it is there.') };
}

export function waking(): Reason {
  return { text: t('The model slept and is being loaded again. The suggestion comes as soon as it is there.') };
}

export function working(): Reason {
  return { text: t('The model is at work on the suggestion.') };
}

export function writing(): Reason {
  return { text: t('The model is writing a text; suggestions go on when it has ended.') };
}

export function dismissed(): Reason {
  return {
    text: t('The suggestion here was dismissed. Another one comes with the next key.'),
    remedy: { title: t('Suggest Again'), command: 'editor.action.inlineSuggest.trigger' },
  };
}

export function selection(): Reason {
  return { text: t('Text is selected. Suggestions come where there is only a cursor.') };
}

export function midWord(): Reason {
  return { text: t('The cursor stands before a word: a suggestion would run into it.') };
}

export function empty(): Reason {
  return { text: t('Nothing stands before the cursor that a suggestion could go on from.') };
}

export function superseded(): Reason {
  return {
    text: t('The text or the cursor changed before the model answered. The next suggestion comes when you pause.'),
  };
}

export function secret(): Reason {
  return { text: t('What the model wrote looks like a password or a key, and is never shown.') };
}

export function widget(selected: string): Reason {
  return {
    text: t(
      'The editor’s list of suggestions is open at “{0}”, and the model has nothing to add to that entry. Escape closes the list.',
      selected,
    ),
  };
}

export function unexpected(message: string): Reason {
  return {
    text: t('The suggestion failed: {0}', message),
    remedy: { title: t('Show Log'), command: 'glassbox.showLog' },
  };
}

/** The editor did not ask, as far as one can see. */
export function editorOff(): Reason {
  return {
    text: t('The editor’s own setting {0} is off: it shows no suggestions of anybody.', 'editor.inlineSuggest.enabled'),
    remedy: setting(t('Open Setting'), 'editor.inlineSuggest.enabled'),
  };
}

export function notAsked(): Reason {
  return {
    text: t(
      'The editor has not asked for a suggestion here. It asks when text is typed; it may be snoozing suggestions, or show those of another extension.',
    ),
    remedy: { title: t('Suggest Now'), command: 'editor.action.inlineSuggest.trigger' },
  };
}

/** White space is no suggestion. */
export function nothingShown(): Reason {
  return { text: t('The model has nothing to add here.') };
}

/** The model has answered, and nothing of it is shown. */
export function nothing({ withheld, cut, finish }: Completion, config: Config): Reason {
  const percent = (share: number): string => (share * 100).toFixed(0);
  if (cut !== undefined && finish !== 'unsure') return { text: cutBy(cut) };
  // It was sure enough, and so short that taking it costs as many keys as typing it.
  if (withheld !== undefined && withheld.probability >= config.minProbability)
    return { text: t('The likeliest was “{0}”, which is typed as quickly as it is accepted.', withheld.text.trim()) };
  if (withheld !== undefined)
    return {
      text: t(
        'The model is not sure enough: the likeliest was “{0}” with {1} %, and the setting asks for {2} %.',
        withheld.text.trim(),
        percent(withheld.probability),
        percent(config.minProbability),
      ),
      remedy: setting(t('Change Threshold'), 'glassbox.threshold'),
    };
  if (finish === 'unsure')
    return {
      text: t('The model is not sure enough: the setting asks for {0} %.', percent(config.minProbability)),
      remedy: setting(t('Change Threshold'), 'glassbox.threshold'),
    };
  if (finish === 'cancelled') return superseded();
  return nothingShown();
}

function cutBy(cut: Cut): string {
  switch (cut) {
    case 'complete':
      return t('The line or block is complete as it is.');
    case 'repeats-below':
      return t('What the model wrote stands after the cursor already.');
    case 'repeats-above':
      return t('What the model wrote repeats the lines above.');
    case 'loop':
      return t('What the model wrote runs in circles.');
    case 'unbalanced':
      return t('What the model wrote closes a bracket that nothing opened.');
    case 'half-line':
      return t('What the model wrote ends in the middle of a line.');
    case 'secret':
      return secret().text;
  }
}
