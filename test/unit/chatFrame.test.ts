// Conversations → ids by the chat templates of model families, against an obvious way to do the same and against transformers.js where that can
// be had; what people wrote is never taken for a token.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { transformersOrWhyNot } from '../../models/peers/transformers.mjs';
import { ChatFrame } from '../../src/engine/chat/frame';
import { strftime } from '../../src/engine/chat/strftime';
import { taughtToChat } from '../../src/engine/chat/taught';
import { EngineError } from '../../src/engine/errors';
import type { ModelFolder } from '../../src/engine/modelFolder';
import { seededRandom } from '../../src/engine/random';
import { Tokenizer } from '../../src/engine/tokenizer';
import type { ChatTurn } from '../../src/chatProtocol';
import {
  CONVERSATION,
  FAMILIES,
  familyConfig,
  familyTokenizer,
  sentencePieceTokenizer,
  type Family,
} from '../chatFamilies';

const scratch = mkdtempSync(join(tmpdir(), 'glassbox-chat-'));
after(() => rmSync(scratch, { recursive: true }));

/** How the stand-in for a family's tokenizer writes text. */
const SPELLINGS = ['bytes', 'normalizer', 'words'] as const;
type Spelling = (typeof SPELLINGS)[number];
/** A ▁ in a token's name is no blank: such families write bytes. */
const spellingsOf = ({ tokens }: Family): readonly Spelling[] =>
  tokens.some(({ content }) => content.includes('▁')) ? ['bytes'] : SPELLINGS;

function filesOf(
  family: Family,
  spelling: Spelling,
): { json: Record<string, unknown>; config: Record<string, unknown> } {
  if (spelling === 'bytes') return { json: familyTokenizer(family), config: familyConfig(family) };
  const config = { ...familyConfig(family), tokenizer_class: 'LlamaTokenizer', legacy: spelling === 'normalizer' };
  return { json: sentencePieceTokenizer(family, spelling), config };
}

function frameOf(family: Family, spelling: Spelling = 'bytes'): { frame: ChatFrame; tokenizer: Tokenizer } {
  const { json: tokenizerJson, config: tokenizerConfig } = filesOf(family, spelling);
  const folder = { dir: 'folder', tokenizerJson, tokenizerConfig, config: { eosIds: [] } };
  const tokenizer = new Tokenizer(folder as unknown as ModelFolder);
  const file = { text: family.template, path: 'folder/tokenizer_config.json' };
  return { frame: new ChatFrame(tokenizer, file, tokenizerConfig), tokenizer };
}

/** The plain template that errors and long conversations are tried with. */
const PLAIN: Family = FAMILIES[0] as Family;
const withTemplate = (template: string): Family => ({ ...PLAIN, template });
const user = (content: string): ChatTurn => ({ role: 'user', content });
const assistant = (content: string): ChatTurn => ({ role: 'assistant', content });
const system = (content: string): ChatTurn => ({ role: 'system', content });

/** Names of tokens as their ids, all else as bytes. */
function spelled(family: Family, framed: string): number[] {
  const ids = new Map([
    ['<s>', 256],
    ['</s>', 257],
    ['<pad>', 258],
  ]);
  family.tokens.forEach(({ content }, i) => ids.set(content, 259 + i));
  const out: number[] = [];
  for (let rest = framed; rest !== '';) {
    const name = [...ids.keys()].find((each) => rest.startsWith(each));
    const char = String.fromCodePoint(rest.codePointAt(0) as number);
    out.push(...(name === undefined ? Buffer.from(char) : [ids.get(name) as number]));
    rest = rest.slice((name ?? char).length);
  }
  return out;
}

for (const family of FAMILIES) {
  test(`${family.name}: a conversation is framed as its family does`, () => {
    const { frame } = frameOf(family);
    assert.deepEqual(frame.encode(CONVERSATION), spelled(family, family.framed));
  });

  test(`${family.name}: an answer ends at its own tokens`, () => {
    const { frame } = frameOf(family);
    assert.deepEqual([...frame.ends].sort(), family.ends.map((name) => spelled(family, name)[0]).sort());
  });

  for (const spelling of spellingsOf(family))
    test(`${family.name}, ${spelling}: what a message says is text, whatever it looks like`, () => {
      const { frame, tokenizer } = frameOf(family, spelling);
      const names = [
        '<s>',
        '</s>',
        ...family.tokens.filter(({ special = true }) => special).map(({ content }) => content),
      ];
      const count = (turns: ChatTurn[]): number =>
        frame.encode(turns).filter((id) => tokenizer.specialIds.has(id)).length;
      const usual = count([user('a'), assistant('b'), user('c')]);
      const random = seededRandom(7);
      const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
      const piece = (): string => {
        const name = pick(names);
        const cut = Math.floor(random() * (name.length + 1));
        return pick([name, name, name.slice(0, cut), name.slice(cut), ' ', '\n', 'x', '{{ 1 }}', '\u{100041}', '𐀁']);
      };
      for (let i = 0; i < 300; i++) {
        const [a, b, c] = Array.from({ length: 3 }, () =>
          `x${Array.from({ length: 4 }, piece).join('')}x`.slice(i % 2, i % 3 === 0 ? -1 : undefined),
        ) as [string, string, string];
        if ([a, b, c].some((content) => content.trim() === '')) continue;
        const turns = [user(a), assistant(b), user(c)];
        assert.equal(count(turns), usual, JSON.stringify(turns));
        // A byte for each byte: nothing is lost on the way.
        assert.ok(tokenizer.decode(frame.encode(turns)).includes(a.trim()), JSON.stringify(turns));
      }
    });
}

/** Of which family, called what, with which tokens that end a text: was it taught to chat? `</s>` stands for the end of a base model's texts. */
const TAUGHT: [family: string, name: string, eos: string[], taught: boolean][] = [
  ['ChatML (Qwen)', 'Qwen2.5-Coder-0.5B', ['</s>'], false],
  ['ChatML (Qwen)', 'Qwen3-0.6B-Base', ['</s>'], false],
  ['ChatML (Qwen)', 'Qwen3-0.6B', ['<|im_end|>', '</s>'], true],
  ['ChatML (Qwen)', 'Qwen2.5-Coder-0.5B-Instruct', ['</s>'], true],
  ['ChatML (Qwen)', 'starchat2', ['</s>'], true],
  ['ChatML (Qwen)', 'git-bits', ['</s>'], false],
  ['ChatML (Qwen)', 'mine', [], true],
  ['Llama 2', 'mine', ['</s>'], true],
  ['Llama 3', 'mine', ['</s>', '<|eot_id|>'], true],
  ['Llama 3', 'mine', ['</s>'], false],
  ['Mistral, which knows no system message', 'mine', ['</s>'], true],
  ['Gemma, which refuses a system message', 'gemma-2b-it', ['<eos>'], true],
  ['Gemma, which refuses a system message', 'gemma-2b', ['<eos>'], false],
  ['Phi-3, whose tokens take the white space after them', 'Phi-3-mini-4k-instruct', ['<|endoftext|>'], true],
  ['Zephyr, whose roles are text', 'mine', ['</s>'], true],
  ['words', 'mine', ['</s>'], true],
];
const WORDS = withTemplate(
  "{% for turn in messages %}{{ '### ' + turn['role'] + ': ' + turn['content'] + '\\n' }}{% endfor %}",
);
for (const [of, name, eos, taught] of TAUGHT)
  test(`${name}, whose template is that of ${of} and whose texts end with ${eos.join(', ') || 'nothing known'}, was ${taught ? '' : 'not '}taught to chat`, () => {
    const family = of === 'words' ? WORDS : FAMILIES.find((each) => each.name === of);
    assert.ok(family);
    const ids = eos.map((token) => spelled(family, token)[0] as number);
    assert.equal(taughtToChat(name, frameOf(family).frame.endOfTurn, new Set(ids)), taught);
  });

const { transformers, skip } = transformersOrWhyNot(process.cwd());
test('transformers.js gives the same ids', { skip }, async () => {
  const { AutoTokenizer, env } = transformers as {
    env: { localModelPath: string };
    AutoTokenizer: { from_pretrained(name: string): Promise<Theirs> };
  };
  interface Theirs {
    apply_chat_template(turns: ChatTurn[], options: Record<string, unknown>): number[];
  }
  const all = FAMILIES.flatMap((family) => spellingsOf(family).map((spelling) => ({ family, spelling })));
  for (const [i, { family, spelling }] of all.entries()) {
    const dir = join(scratch, `family-${i}`);
    mkdirSync(dir);
    const { json, config } = filesOf(family, spelling);
    writeFileSync(join(dir, 'tokenizer.json'), JSON.stringify(json));
    writeFileSync(join(dir, 'tokenizer_config.json'), JSON.stringify(config));
    writeFileSync(join(dir, 'config.json'), '{}');
    env.localModelPath = dirname(dir);
    const theirs = await AutoTokenizer.from_pretrained(basename(dir));
    const { frame } = frameOf(family, spelling);
    const options = {
      add_generation_prompt: true,
      tokenize: true,
      return_tensor: false,
      return_dict: false,
      enable_thinking: false,
    };
    // Theirs refuses what we merge.
    for (const turns of [CONVERSATION, CONVERSATION.slice(1), [user('  spaces \n')]]) {
      if (turns[0]?.role === 'system' && / system message$/.test(family.name)) continue;
      assert.deepEqual(frame.encode(turns), theirs.apply_chat_template(turns, options), `${family.name}, ${spelling}`);
    }
  }
});

const MERGED: { name: string; family: string; turns: ChatTurn[]; framed: string }[] = [
  {
    name: 'a refused system message stands in the first message',
    family: 'Gemma',
    turns: [system('S'), user('U')],
    framed: '<bos><start_of_turn>user\nS\n\nU<end_of_turn>\n<start_of_turn>model\n',
  },
  {
    name: 'one that is left out silently, too',
    family: 'Mistral',
    turns: [system('S'), user('U')],
    framed: '<s>[INST] S\n\nU [/INST]',
  },
  {
    name: 'messages of one role in a row are one where they are refused',
    family: 'Mistral',
    turns: [user('A'), user('B'), assistant('C'), user('D')],
    framed: '<s>[INST] A\n\nB [/INST]C</s>[INST] D [/INST]',
  },
  {
    name: 'both',
    family: 'Mistral',
    turns: [system('S'), user('A'), user('B')],
    framed: '<s>[INST] S\n\nA\n\nB [/INST]',
  },
  {
    name: 'and stay apart where they are not',
    family: 'ChatML',
    turns: [system('S'), user('A'), user('B')],
    framed:
      '<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nA<|im_end|>\n<|im_start|>user\nB<|im_end|>\n<|im_start|>assistant\n',
  },
];
for (const { name, family, turns, framed } of MERGED) {
  test(`${family}: ${name}`, () => {
    const found = FAMILIES.find((each) => each.name.startsWith(family)) as Family;
    assert.deepEqual(frameOf(found).frame.encode(turns), spelled(found, framed));
  });
}

const REFUSED: { name: string; template: string; turns?: ChatTurn[]; code: string; says: RegExp }[] = [
  {
    name: 'a block that is not closed',
    template: '{% for m in messages %}x',
    code: 'template_damaged',
    says: /tokenizer_config\.json cannot be used/,
  },
  {
    name: 'what is no expression',
    template: '{{ messages[ }}',
    code: 'template_damaged',
    says: /tokenizer_config\.json cannot be used/,
  },
  {
    name: 'a filter that there is not',
    template: '{{ messages | nothing }}',
    code: 'template_damaged',
    says: /nothing/,
  },
  {
    name: 'loops in loops',
    template: `${'{% for a in range(1000) %}'.repeat(4)}${'{% endfor %}'.repeat(4)}`,
    code: 'template_damaged',
    says: /does not come to an end \(more than 2000 ms/,
  },
  {
    name: 'a range without end',
    template: '{% for a in range(10 ** 15) %}{% endfor %}',
    code: 'template_damaged',
    says: /a range of/,
  },
  {
    name: 'a macro that calls itself',
    template: '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}',
    code: 'template_damaged',
    says: /cannot be used/,
  },
  {
    name: 'a text that doubles',
    template: "{% set n = namespace(t='xxxxxxxx') %}{% for a in range(40) %}{% set n.t = n.t + n.t %}{% endfor %}",
    code: 'template_damaged',
    says: /characters/,
  },
  {
    name: 'a list that doubles',
    template: '{% set n = namespace(t=[1]) %}{% for a in range(40) %}{% set n.t = n.t + n.t %}{% endfor %}',
    code: 'template_damaged',
    says: /elements/,
  },
  {
    name: 'a list of lists of lists, written out at once',
    template:
      '{% set n = namespace(t=[1]) %}{% for a in range(60) %}{% set n.t = [n.t, n.t] %}{% endfor %}{{ n.t | tojson }}',
    code: 'template_damaged',
    says: /come to an end \(more than 2000 ms\)/,
  },
  {
    name: 'white space that takes forever to read',
    template: `${' '.repeat(400_000)}{{ messages[0].content }}`,
    code: 'template_damaged',
    says: /come to an end \(more than 2000 ms\)/,
  },
  {
    name: 'a template that refuses everything',
    template: "{{ raise_exception('never: ' + messages[0].content) }}",
    code: 'template_refuses',
    says: /tokenizer_config\.json refuses this conversation: never: <\|im_end\|>/,
    turns: [user('<|im_end|>')],
  },
  {
    name: 'a system message alone, which is left out',
    template: "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}",
    turns: [system('x')],
    code: 'template_refuses',
    says: /leaves out the system message/,
  },
  { name: 'no message', template: '', turns: [], code: 'bad_request', says: /no message/ },
];
for (const { name, template, turns = [user('x')], code, says } of REFUSED) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => frameOf(withTemplate(template)).frame.encode(turns),
      (error) =>
        (error instanceof EngineError && error.code === code && says.test(error.message)) || assert.fail(String(error)),
    );
  });
}

test('marks of what a model is trained on change nothing', () => {
  const { frame, tokenizer } = frameOf(
    withTemplate('{% for m in messages %}\n{%- generation -%}\n {{ m.content }}{% endgeneration %}\n{% endfor %}'),
  );
  assert.equal(tokenizer.decode(frame.encode([user('a'), user('b')])), 'ab');
});

test('a template tells the time, in English', () => {
  const moment = new Date(2026, 1, 3, 14, 5, 9);
  assert.equal(
    strftime(moment, '%A, %d %B %Y %H:%M:%S; %a %-d %b %y %-I %p %j %%'),
    'Tuesday, 03 February 2026 14:05:09; Tue 3 Feb 26 2 PM %j %',
  );
  const { frame, tokenizer } = frameOf(withTemplate("{{ strftime_now('%Y') }}{{ messages[0].content }}"));
  assert.equal(tokenizer.decode(frame.encode([user('!')])), `${new Date().getFullYear()}!`);
});

test('of a long conversation the oldest turns are left out, never the system message, and the front stays put', () => {
  const { frame } = frameOf(PLAIN);
  const room = 800;
  const turns: ChatTurn[] = [system('keep me')];
  let [fronts, before] = [0, ''];
  for (let i = 0; i < 60; i++) {
    turns.push(user(`question ${i}`));
    const ids = frame.fit(turns, room);
    assert.ok(ids.length <= room);
    const shown = frame.encode(turns);
    const kept = turns.filter(
      (_, at) =>
        at === 0 ||
        ids.length === shown.length ||
        at >= turns.length - 1 ||
        frame.encode([turns[0] as ChatTurn, ...turns.slice(at)]).length <= ids.length,
    );
    assert.deepEqual(ids, frame.encode(kept), `turn ${i}`); // whole turns, the newest ones
    assert.deepEqual(kept[0], turns[0]);
    assert.equal(kept[1]?.role, 'user');
    const front = kept[1].content;
    if (front !== before) fronts++;
    before = front;
    turns.push(assistant(`answer ${i}`));
  }
  assert.ok(fronts > 3 && fronts < 15, `${fronts} fronts in 60 turns`);
  assert.throws(
    () => frame.fit([user('x'.repeat(900))], room),
    (error) => error instanceof EngineError && error.code === 'prompt_too_long' && error.message.includes('800'),
  );
});
