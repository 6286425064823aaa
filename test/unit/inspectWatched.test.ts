// Watching a text being written: its weights come from the runs that write it where that is worth it; and nothing is told that is not there.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine } from '../../src/engine/engine';
import { RowRunner } from '../../src/engine/rowRunner';
import type { HeadAnswer, TextAnswer } from '../../src/inspectionProtocol';
import type { CompletionRequest } from '../../src/protocol';

const modelDir = join(process.cwd(), 'models/glassbox-small');
const never = new AbortController().signal;

const request = (prefix: string, maxTokens: number): CompletionRequest => ({
  prefix,
  suffix: '',
  maxTokens,
  sampling: { temperature: 0.8, topK: 0, topP: 1, seed: 5 },
  raw: true,
});

/** Counts the tokens that are run only for their weights. */
function countAgain(): { readonly tokens: number; stop: () => void } {
  const { mock: counted } = mock.method(RowRunner.prototype, 'allAttention');
  return {
    get tokens() {
      return counted.calls.reduce((sum, { arguments: [ids] }) => sum + ids.length, 0);
    },
    stop: () => counted.restore(),
  };
}

type Forward = (this: RowRunner, ...args: Parameters<RowRunner['forward']>) => Promise<Float32Array>;

/** As of a model that takes longer than a few milliseconds for a token. @returns ends it */
function slowDown(): () => void {
  const { forward } = RowRunner.prototype as { forward: Forward };
  const slowly: Forward = async function (this: RowRunner, ...args: Parameters<Forward>) {
    await sleep(4);
    return forward.apply(this, args);
  };
  const { mock: slowed } = mock.method(RowRunner.prototype, 'forward', slowly);
  return () => slowed.restore();
}

for (const speculation of ['auto', 'off'] as const)
  test(`what a model writes slowly, and is watched from its beginning, is not run again, speculation ${speculation}`, async () => {
    const engine = await Engine.load({ modelDir, device: 'cpu', speculation });
    const again = countAgain();
    const hurry = slowDown();
    const told: number[] = [];
    let before = 0;
    engine.inspector.watch(({ n }) => void told.push(n));
    try {
      let prefix = 'for (let i = 0; i < 10; i++) {\n  total += items[i].price;\n}\nfor (let ';
      for (let round = 0; round < 4; round++) {
        if (round === 1) before = again.tokens; // by now it is known how long a token takes
        // As while typing: read in the background first, then completed.
        await engine.warmUp(request(prefix, 40), never);
        const { tokens, text } = await engine.complete(request(prefix, 40), { signal: never, id: round });
        assert.equal(tokens.length, 40);
        const facts = (await engine.inspector.inspect(round, { ask: 'text', from: 0 })) as TextAnswer;
        const head = (await engine.inspector.inspect(round, { ask: 'head', layer: 1, head: 2, from: 0 })) as HeadAnswer;
        assert.equal(head.n, facts.tokens.length);
        assert.equal(facts.tokens.length, facts.promptTokens + 40);
        prefix += `${text}\n`;
      }
      // The last token of each text was never run by the writer.
      assert.ok(again.tokens - before <= 3, `${again.tokens - before} tokens were run again`);
      assert.ok(told.length >= 3);
    } finally {
      again.stop();
      hurry();
      await engine.dispose();
    }
  });

test('while a text is written, as many tokens are told of as there are rows, and questions leave the text as it is', async () => {
  const engine = await Engine.load({ modelDir, device: 'cpu', speculation: 'off' });
  try {
    const asked = request('def area(width, height):\n    ', 200);
    const alone = await engine.complete(asked, { signal: never, id: 1 });
    const hurry = slowDown();
    const answers: { n: number; tokens: number; rows: number }[] = [];
    let last: Promise<unknown> = Promise.resolve();
    engine.inspector.watch(({ sequence, n, finished }) => {
      if (finished) return;
      last = (async () => {
        const { tokens } = (await engine.inspector.inspect(sequence, { ask: 'text', from: 0 })) as TextAnswer;
        const head = (await engine.inspector.inspect(sequence, {
          ask: 'head',
          layer: 0,
          head: 0,
          from: 0,
        })) as HeadAnswer;
        answers.push({ n, tokens: tokens.length, rows: head.n });
      })();
    });
    const watched = await engine.complete(asked, { signal: never, id: 2 });
    await last;
    hurry();
    assert.deepEqual(watched.tokens, alone.tokens);
    assert.ok(answers.length >= 2, `${answers.length} times told`);
    for (const { n, tokens, rows } of answers) assert.ok(n <= tokens && tokens <= rows, `${n} told, ${tokens} tokens, ${rows} rows`); // prettier-ignore
  } finally {
    await engine.dispose();
  }
});
