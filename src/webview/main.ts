// The attention panel: wires the page together. Started by the page of extension/panel/page.ts; talks to the host by webviewProtocol.ts alone.
import './strings';
import { t } from '../l10n';
import type { FromWebview, ToWebview } from '../webviewProtocol';
import { type Choices, readChoices, type SectionName } from './choices';
import { Fold } from './fold';
import { Panel } from './panel';
import { exported } from './saving';
import type { Section } from './fold';
import { AnswerSection } from './sections/answer';
import { EffectsSection } from './sections/effects';
import { HeadSection } from './sections/head';
import { LessonSection } from './sections/lesson';
import { NextSection } from './sections/next';
import { OverviewSection } from './sections/overview';
import { RowSection } from './sections/row';
import { TextSection } from './sections/textStrip';
import { onThemeChange, readTheme } from './theme';

declare function acquireVsCodeApi(): {
  postMessage(message: FromWebview): void;
  getState(): unknown;
  setState(state: Choices): void;
};

const host = acquireVsCodeApi();
const theme = readTheme();
let head: HeadSection | undefined;

const panel = new Panel({
  choices: readChoices(host.getState()),
  theme,
  post: (message) => host.postMessage(message),
  keep: (choices) => host.setState(choices),
  save: (format) => {
    const { scene } = panel;
    if (!scene) return;
    void exported(format, scene, head?.picture(scene)).then((file) => {
      panel.notice(file ? '' : t('The head to save is not here yet: open the section “One head”.'));
      if (file) host.postMessage({ type: 'export', ...file });
    });
  },
  folds: (actions, toggled) => {
    head = new HeadSection(theme, actions);
    const sections: [name: SectionName, title: string, section: Section][] = [
      ['answer', t('What the completion drew from'), new AnswerSection(actions)],
      ['text', t('The text'), new TextSection(actions)],
      ['overview', t('All heads'), new OverviewSection(actions)],
      ['head', t('One head'), head],
      ['row', t('The query in all heads'), new RowSection(actions)],
      ['next', t('The next token'), new NextSection(actions)],
      ['effects', t('Did it matter?'), new EffectsSection(actions)],
      ['lesson', t('How a head works'), new LessonSection()],
    ];
    return new Map(
      sections.map(([name, title, section]) => [name, new Fold(title, section, (open) => toggled(name, open))]),
    );
  },
});

document.body.append(panel.root, panel.voice);
window.addEventListener('message', ({ data }: MessageEvent<ToWebview | undefined>) => panel.receive(data));
window.addEventListener('resize', () => panel.refresh());
onThemeChange(() => panel.setTheme(readTheme()));
panel.start();
