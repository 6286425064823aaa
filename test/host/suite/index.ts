// The tests that run inside a real VS Code, with Glassbox installed in it. runHost.mjs bundles this file and hands it to
// VS Code, which calls `run`; the tally goes to the file GLASSBOX_TALLY, because an exit code alone proves nothing.
//
// To add a test: write `suite/<subject>.test.ts` that exports `tests: HostTest[]`, import it here and add it to the list.
import { writeFileSync } from 'node:fs';
import { connectDriver } from '../driver';
import { tests as activate } from './activate.test';
import { tests as attention } from './attention.test';
import { tests as burst } from './burst.test';
import { tests as chat } from './chat.test';
import { tests as context } from './context.test';
import { tests as engine } from './engine.test';
import { tests as exclusion } from './exclusion.test';
import { tests as generate } from './generate.test';
import { tests as generateDecision } from './generateDecision.test';
import { tests as generatePlaces } from './generatePlaces.test';
import { tests as generateTrouble } from './generateTrouble.test';
import { tests as ghostText } from './ghostText.test';
import { runAll, type HostTest } from './hostTest';
import { tests as measure } from './measure.test';
import { tests as memory } from './memory.test';
import { tests as models } from './models.test';
import { tests as others } from './others.test';
import { tests as panel } from './panel.test';
import { tests as panelFiles } from './panelFiles.test';
import { tests as panelKeys } from './panelKeys.test';
import { tests as panelTrouble } from './panelTrouble.test';
import { tests as partly } from './partly.test';
import { tests as remembered } from './remembered.test';
import { scene, tidy } from './scene';
import { tests as seq2seq } from './seq2seq.test';
import { tests as server } from './server.test';
import { tests as status } from './status.test';
import { tests as why } from './why.test';

const suite: HostTest[] = [
  ...activate,
  ...ghostText,
  ...burst,
  ...partly,
  ...remembered,
  ...others,
  ...why,
  ...generate,
  ...generateDecision,
  ...generatePlaces,
  ...generateTrouble,
  ...chat,
  ...attention,
  ...panel,
  ...panelKeys,
  ...panelFiles,
  ...panelTrouble,
  ...engine,
  ...context,
  ...exclusion,
  ...memory,
  ...models,
  ...seq2seq,
  ...server,
  ...status,
  ...measure,
];

export async function run(): Promise<void> {
  const { GLASSBOX_TALLY: tallyFile, GLASSBOX_GREP: grep = '' } = process.env;
  process.env['GLASSBOX_ON_BATTERY'] ??= '0'; // the extension reads it here, too: a laptop is tested like any machine
  const chosen = suite.filter(({ name }) => name.toLowerCase().includes(grep.toLowerCase()));
  const tally = await runAll(chosen, connectDriver(), (line) => console.log(line), scene, tidy);
  if (tallyFile) writeFileSync(tallyFile, JSON.stringify(tally));
  if (tally.failed > 0) throw new Error(`${tally.failed} of ${chosen.length} tests failed`);
}
