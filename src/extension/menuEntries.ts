// What stands in the menu behind the status bar item: only what can be done now, in groups. Pure: no `vscode`, so that tests read it
// in any language; statusMenu.ts shows it.

import { t } from '../l10n';
import type { Threshold } from './config';
import type { Exclusions } from './exclusion';
import { noThreshold, serverTrouble, speedOf, todayOf, type Facts, type Status } from './status';
import type { Reason } from './why';

/** Where the cursor is. */
export interface Place {
  languageId: string;
  /** Suggestions are on in this language. */
  enabled: boolean;
  /** Absent where the document is no file. */
  file?: {
    name: string;
    /** Named alone in glassbox.exclude, as the menu does it. */
    excludedAlone: boolean;
    /** Why there are no suggestions in it. */
    excluded?: Exclusions | undefined;
  };
}

export interface MenuFacts extends Status, Facts {
  threshold: Threshold;
  /** Undefined where no text editor has the focus. */
  place: Place | undefined;
  /** The editor can hold back all suggestions for a while. */
  canSnooze: boolean;
  /** There is a suggestion or text that can be looked into. */
  suggested: boolean;
}

/** What entries do besides running commands. */
export interface MenuActions {
  run: (command: string, ...args: unknown[]) => unknown;
  enableLanguage: (languageId: string, enabled: boolean) => unknown;
  excludeFile: (excluded: boolean) => unknown;
  chooseThreshold: () => unknown;
}

export interface MenuEntry {
  /** With icons, as VS Code writes them. */
  label: string;
  description?: string;
  detail?: string;
  /** What it does; a line between groups does nothing. */
  run?: () => unknown;
}

/** The entries from top to bottom. */
export function menuEntries(facts: MenuFacts, actions: MenuActions): MenuEntry[] {
  const line = (label: string): MenuEntry => ({ label });
  return [
    line(t('Now')),
    ...serverEntries(facts, actions),
    ...now(facts, actions),
    line(t('Suggestions')),
    ...suggestions(facts, actions),
    line(t('Write and look inside')),
    { label: `$(pencil) ${t('Generate…')}`, run: () => actions.run('glassbox.generate') },
    { label: `$(eye) ${t('Show attention')}`, run: () => actions.run('glassbox.showAttention') },
    ...(facts.suggested
      ? [{ label: `$(search) ${t('Why did it suggest that?')}`, run: () => actions.run('glassbox.whyThisSuggestion') }]
      : []),
    line(t('More')),
    ...more(facts, actions),
  ];
}

/** Each threshold in words, in the order of the setting. */
export function thresholdWords(threshold: Threshold): { label: string; detail: string } {
  switch (threshold) {
    case 'careful':
      return { label: t('Careful'), detail: t('Offers less, and is right more often') };
    case 'balanced':
      return { label: t('Balanced'), detail: t('Between the two') };
    case 'eager':
      return { label: t('Eager'), detail: t('Offers more, and is wrong more often') };
  }
}

/** What the model does, and why nothing was shown. */
function now({ engine, pace, reason }: MenuFacts, { run }: MenuActions): MenuEntry[] {
  if (engine.kind === 'failed') {
    const restart = (): unknown => run('glassbox.restartEngine');
    return [{ label: `$(debug-restart) ${t('Restart engine')}`, detail: engine.reason, run: restart }];
  }
  if (engine.kind === 'loading' || engine.kind === 'stopped')
    return [{ label: `$(loading~spin) ${t('The model is being loaded.')}`, run: () => run('glassbox.showLog') }];
  const description = engine.kind === 'asleep' ? t('asleep until it is needed') : speedOf(pace);
  const model: MenuEntry = {
    label: `$(chip) ${t('{0} on {1}', engine.info.name, engine.info.device)}`,
    ...(description === undefined ? {} : { description }),
    run: () => run('glassbox.chooseModel'),
  };
  return reason === undefined ? [model] : [whyEntry(reason, run), model];
}

/** The server that takes the model's place, or why it does not. */
function serverEntries({ server }: MenuFacts, { run }: MenuActions): MenuEntry[] {
  if (server === undefined) return [];
  const { host, local, state, sure } = server;
  const trouble = serverTrouble(server);
  const settings = (): unknown =>
    run('workbench.action.openSettings', '@id:glassbox.server.url @id:glassbox.server.model');
  const about: MenuEntry =
    trouble === undefined
      ? {
          label: local
            ? `$(server) ${t('Server {0}, on this machine', host)}`
            : `$(cloud-upload) ${t('Server {0}: text leaves this machine', host)}`,
          ...(sure === false ? { detail: noThreshold() } : {}),
          run: settings,
        }
      : { label: `$(warning) ${t('Server {0} is not in use', host)}`, detail: trouble, run: settings };
  const again = (): unknown => run('glassbox.serverAgain');
  return [
    about,
    ...(state === 'failed' ? [{ label: `$(refresh) ${t('Ask the server again now')}`, run: again }] : []),
    ...(state === 'declined' ? [{ label: `$(refresh) ${t('Decide again about {0}', host)}`, run: again }] : []),
    ...(state === 'wrong'
      ? []
      : [{ label: `$(key) ${t('Key for {0}', host)}`, run: () => run('glassbox.setServerKey') }]),
  ];
}

function whyEntry({ text, remedy }: Reason, run: MenuActions['run']): MenuEntry {
  if (remedy === undefined)
    return {
      label: `$(question) ${t('Why no suggestion?')}`,
      detail: text,
      run: () => run('glassbox.whyNoSuggestion'),
    };
  const { title, command, arguments: given = [] } = remedy;
  return { label: `$(lightbulb) ${title}`, detail: text, run: () => run(command, ...given) };
}

function suggestions(facts: MenuFacts, actions: MenuActions): MenuEntry[] {
  const { enabled, place, threshold, canSnooze } = facts;
  const entries: MenuEntry[] = [
    {
      label: enabled ? `$(circle-slash) ${t('Turn suggestions off')}` : `$(check) ${t('Turn suggestions on')}`,
      run: () => actions.run('glassbox.toggle'),
    },
  ];
  if (place !== undefined) {
    const { languageId } = place;
    entries.push({
      label: place.enabled
        ? `$(circle-slash) ${t('Turn off for the language {0}', languageId)}`
        : `$(check) ${t('Turn on for the language {0}', languageId)}`,
      run: () => actions.enableLanguage(languageId, !place.enabled),
    });
  }
  if (place?.file !== undefined) entries.push(...forFile(place.file, actions));
  entries.push({
    label: `$(dashboard) ${t('How sure the model must be')}`,
    description: thresholdWords(threshold).label,
    run: () => actions.chooseThreshold(),
  });
  if (enabled && canSnooze)
    entries.push({
      label: `$(bell-slash) ${t('Snooze…')}`,
      description: t('all inline suggestions of the editor'),
      run: () => actions.run('editor.action.inlineSuggest.snooze'),
    });
  return entries;
}

/** Nothing for a file of secrets: there are never suggestions in one. */
function forFile(file: NonNullable<Place['file']>, { run, excludeFile }: MenuActions): MenuEntry[] {
  if (file.excludedAlone)
    return [{ label: `$(check) ${t('Turn on for the file {0}', file.name)}`, run: () => excludeFile(false) }];
  if (file.excluded === undefined)
    return [{ label: `$(circle-slash) ${t('Turn off for the file {0}', file.name)}`, run: () => excludeFile(true) }];
  if (file.excluded === 'secret') return [];
  const setting = file.excluded === 'exclude' ? 'glassbox.exclude' : 'glassbox.gitignore';
  return [
    {
      label: `$(gear) ${t('{0} is excluded: open the setting', file.name)}`,
      description: setting,
      run: () => run('workbench.action.openSettings', setting),
    },
  ];
}

function more({ engine, today }: MenuFacts, { run }: MenuActions): MenuEntry[] {
  const used = todayOf(today);
  return [
    {
      label: `$(graph) ${t('Statistics')}`,
      ...(used === undefined ? {} : { description: used }),
      run: () => run('glassbox.statistics'),
    },
    {
      label: `$(pulse) ${t('Measure this machine')}`,
      description: t('which device and how many threads are best for the model'),
      run: () => run('glassbox.measureMachine'),
    },
    {
      label: `$(book) ${t('Getting started')}`,
      run: () => run('workbench.action.openWalkthrough', 'glassbox.glassbox#glassbox.start', false),
    },
    {
      label: `$(gear) ${t('Settings')}`,
      run: () => run('workbench.action.openSettings', '@ext:glassbox.glassbox'),
    },
    { label: `$(output) ${t('Show log')}`, run: () => run('glassbox.showLog') },
    ...(engine.kind === 'failed'
      ? []
      : [{ label: `$(debug-restart) ${t('Restart engine')}`, run: () => run('glassbox.restartEngine') }]),
  ];
}
