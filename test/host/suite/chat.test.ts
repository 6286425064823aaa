// A model whose folder has a chat template: the editor's chat and other extensions find it, and Generate asks it in its own form.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { ANSWER, writeAnsweringModel, writeTalkingModel } from '../../chatModel';
import { cycleText } from '../../cycleModel';
import { generate } from './generating';
import type { HostTest } from './hostTest';
import { glassbox, knownModel, open, otherModel, settledGhost, until } from './window';

/** Versions before it have no models of other vendors. */
const HAS_PROVIDERS = 'registerLanguageModelChatProvider' in vscode.lm;
/** They are found although the tests' settings turn the editor's own chat off. */
const ours = (): Thenable<vscode.LanguageModelChat[]> => vscode.lm.selectChatModels({ vendor: 'glassbox' });

async function answerOf(
  model: vscode.LanguageModelChat,
  asked: string,
  token?: vscode.CancellationToken,
): Promise<string> {
  const response = await model.sendRequest([vscode.LanguageModelChatMessage.User(asked)], {}, token);
  let text = '';
  for await (const part of response.text) text += part;
  return text;
}

/** What a version without language models of other vendors does. */
const WITHOUT_PROVIDERS: HostTest[] = [
  {
    name: 'chat: a version without language models of other vendors is left alone',
    async run(t) {
      const api = await otherModel(t, 'answering-instruct', writeAnsweringModel);
      assert.equal(api.status().engine.kind, 'ready');
      assert.deepEqual(await ours(), []);
    },
  },
];

const WITH_PROVIDERS: HostTest[] = [
  {
    name: 'chat: a model with a chat template is found, counts and answers; one without is not offered',
    async run(t) {
      await glassbox();
      assert.deepEqual(await ours(), [], 'the shipped model only goes on with code');
      await otherModel(t, 'answering-instruct', writeAnsweringModel);
      const model = await until('the model', async () => (await ours())[0]);
      assert.match(model.name, /^glassbox-answering/);
      assert.deepEqual([model.vendor, model.maxInputTokens], ['glassbox', 1024]);
      assert.equal(await model.countTokens('four'), 4);
      assert.equal(await answerOf(model, 'Say the alphabet.'), ANSWER);
      // Two at once, and one that nobody wants any more.
      const cancel = new vscode.CancellationTokenSource();
      const unwanted = answerOf(model, 'one', cancel.token).catch(() => 'cancelled');
      const [other] = await Promise.all([answerOf(model, 'two'), unwanted, Promise.resolve(cancel.cancel())]);
      assert.equal(other, ANSWER);
      await knownModel(t);
      await until('the model to be gone', async () => ((await ours()).length === 0 ? true : undefined));
      await assert.rejects(async () => answerOf(model, 'Are you there?'));
    },
  },
  {
    name: 'chat: what is typed while an answer is written does not end it, and suggestions go on afterwards',
    async run(t) {
      const driver = t.needDriver();
      const api = await otherModel(t, 'talking', writeTalkingModel);
      const model = await until('the model', async () => (await ours())[0]);
      const editor = await open(t, 'plaintext', 'before:‸');
      const asked = vscode.LanguageModelChatMessage.User('Talk.');
      const response = await model.sendRequest([asked], { modelOptions: { max_tokens: 800 } });
      const requests = api.modelRequests();
      let [text, pieces, said] = ['', 0, false];
      for await (const part of response.text) {
        text += part;
        if (pieces++ < 3) await driver.type('!');
        said ||= /The model is writing a text/.test(api.why.last?.text ?? '');
      }
      assert.equal(text, cycleText(800));
      assert.ok(pieces > 3 && said, `${pieces} pieces, the last reason ${String(api.why.last?.text)}`);
      assert.equal(api.modelRequests(), requests, 'nothing was asked meanwhile');
      assert.equal(editor.document.getText(), 'before:!!!');
      await driver.press('Enter');
      assert.ok((await settledGhost(driver)).startsWith('abc'));
    },
  },
];

export const tests: HostTest[] = [
  ...(HAS_PROVIDERS ? WITH_PROVIDERS : WITHOUT_PROVIDERS),
  {
    name: 'chat: Generate asks a model with a chat template in its form, and puts the code at the place',
    async run(t) {
      const driver = t.needDriver();
      await otherModel(t, 'answering-instruct', writeAnsweringModel);
      const editor = await open(t, 'python', 'def f():\n    ‸\n');
      const before = editor.document.getText();
      await (
        await generate(driver, 'the alphabet')
      ).done;
      assert.equal(editor.document.getText(), `def f():\n    ${ANSWER}\n`);
      await vscode.commands.executeCommand('undo');
      assert.equal(editor.document.getText(), before);
    },
  },
];
