// The chat formats of model families: a template each, its tokens, and what it makes of one conversation. Tokenizers of bytes stand in for theirs.

import type { ChatTurn } from '../src/chatProtocol';
import { byteTokenizer } from './tinyModel';

export interface Family {
  name: string;
  template: string;
  /** Tokens beside those of the byte tokenizer, from id 259. */
  tokens: { content: string; rstrip?: boolean; special?: boolean }[];
  bos?: string;
  eos: string;
  /** `CONVERSATION`, framed; tokens by their names. */
  framed: string;
  /** The tokens that end an answer, eos and those that stand between messages. */
  ends: string[];
}

/** What is framed. */
export const CONVERSATION: ChatTurn[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Hello.' },
  { role: 'user', content: 'Add 1 and 2, größer' },
];

export const FAMILIES: Family[] = [
  {
    name: 'ChatML (Qwen)',
    tokens: [{ content: '<|im_start|>' }, { content: '<|im_end|>' }, { content: '<tool_call>', special: false }],
    eos: '<|im_end|>',
    template: `{%- if tools %}{{ 'no tools' }}{%- endif %}
{%- if messages[0].role != 'system' %}
    {{- '<|im_start|>system\\nYou help.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is true %}{{- '<think>' }}{%- endif %}
{%- endif %}
`,
    framed:
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nAdd 1 and 2, größer<|im_end|>\n<|im_start|>assistant\n',
    ends: ['<|im_start|>', '<|im_end|>'],
  },
  {
    name: 'Llama 2',
    tokens: [],
    bos: '<s>',
    eos: '</s>',
    template: `{% if messages[0]['role'] == 'system' %}{% set said = '<<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' %}{% set turns = messages[1:] %}{% else %}{% set said = '' %}{% set turns = messages %}{% endif %}{% for turn in turns %}{% if (turn['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('user and assistant must take turns') }}{% endif %}{% if turn['role'] == 'user' %}{{ bos_token + '[INST] ' + (said if loop.index0 == 0 else '') + turn['content'].strip() + ' [/INST]' }}{% else %}{{ ' ' + turn['content'].strip() + ' ' + eos_token }}{% endif %}{% endfor %}`,
    framed: '<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello. </s><s>[INST] Add 1 and 2, größer [/INST]',
    ends: ['<s>', '</s>'],
  },
  {
    name: 'Llama 3',
    tokens: [
      { content: '<|begin_of_text|>' },
      { content: '<|start_header_id|>' },
      { content: '<|end_header_id|>' },
      { content: '<|eot_id|>' },
    ],
    bos: '<|begin_of_text|>',
    eos: '<|eot_id|>',
    template: `{{- bos_token }}
{%- set head = '<|start_header_id|>' %}
{%- for message in messages %}
    {{- head + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- head + 'assistant<|end_header_id|>\\n\\n' }}{%- endif %}`,
    framed:
      '<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nAdd 1 and 2, größer<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
    ends: ['<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'],
  },
  {
    name: 'Mistral, which knows no system message',
    tokens: [{ content: '[INST]' }, { content: '[/INST]' }],
    bos: '<s>',
    eos: '</s>',
    template: `{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}`,
    framed: '<s>[INST] Be brief.\n\nHi [/INST]Hello.</s>[INST] Add 1 and 2, größer [/INST]',
    ends: ['</s>', '[INST]', '[/INST]'],
  },
  {
    name: 'Gemma, which refuses a system message',
    tokens: [{ content: '<bos>' }, { content: '<start_of_turn>' }, { content: '<end_of_turn>' }, { content: '<eos>' }],
    bos: '<bos>',
    eos: '<eos>',
    template: `{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}`,
    framed:
      '<bos><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello.<end_of_turn>\n<start_of_turn>user\nAdd 1 and 2, größer<end_of_turn>\n<start_of_turn>model\n',
    ends: ['<start_of_turn>', '<end_of_turn>', '<eos>'],
  },
  {
    name: 'Phi-3, whose tokens take the white space after them',
    tokens: ['<|system|>', '<|user|>', '<|assistant|>', '<|end|>', '<|endoftext|>'].map((content) => ({
      content,
      rstrip: true,
    })),
    eos: '<|endoftext|>',
    template: `{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}`,
    framed:
      '<|system|>Be brief.<|end|><|user|>Hi<|end|><|assistant|>Hello.<|end|><|user|>Add 1 and 2, größer<|end|><|assistant|>',
    ends: ['<|user|>', '<|assistant|>', '<|end|>', '<|endoftext|>'],
  },
  {
    name: 'Zephyr, whose roles are text',
    tokens: [],
    bos: '<s>',
    eos: '</s>',
    template: `{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}`,
    framed:
      '<|system|>\nBe brief.</s>\n<|user|>\nHi</s>\n<|assistant|>\nHello.</s>\n<|user|>\nAdd 1 and 2, größer</s>\n<|assistant|>\n',
    ends: ['</s>'],
  },
  {
    name: 'DeepSeek, which takes thoughts out of earlier answers',
    tokens: ['<｜begin▁of▁sentence｜>', '<｜end▁of▁sentence｜>', '<｜User｜>', '<｜Assistant｜>'].map((content) => ({
      content,
    })),
    bos: '<｜begin▁of▁sentence｜>',
    eos: '<｜end▁of▁sentence｜>',
    template: `{% set ns = namespace(system='') %}{% for message in messages %}{% if message['role'] == 'system' %}{% set ns.system = ns.system + message['content'] %}{% endif %}{% endfor %}{{ bos_token }}{{ ns.system }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '<｜User｜>' + message['content'] }}{% endif %}{% if message['role'] == 'assistant' %}{% set said = message['content'] %}{% if '</think>' in said %}{% set said = said.split('</think>')[-1] %}{% endif %}{{ '<｜Assistant｜>' + said + eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<｜Assistant｜>' }}{% endif %}`,
    framed:
      '<｜begin▁of▁sentence｜>Be brief.<｜User｜>Hi<｜Assistant｜>Hello.<｜end▁of▁sentence｜><｜User｜>Add 1 and 2, größer<｜Assistant｜>',
    ends: ['<｜end▁of▁sentence｜>', '<｜User｜>', '<｜Assistant｜>'],
  },
];

/** The content of tokenizer.json: bytes, then the family's tokens. */
export function familyTokenizer({ tokens }: Pick<Family, 'tokens'>): Record<string, unknown> {
  const json = byteTokenizer() as Record<string, unknown> & { added_tokens: unknown[] };
  const more = tokens.map(({ content, rstrip = false, special = true }, i) => ({
    id: 259 + i,
    content,
    special,
    single_word: false,
    lstrip: false,
    rstrip,
    normalized: false,
  }));
  return { ...json, added_tokens: [...json.added_tokens, ...more] };
}

/** The content of tokenizer_config.json. */
export function familyConfig({
  template,
  bos,
  eos,
}: Pick<Family, 'template' | 'bos' | 'eos'>): Record<string, unknown> {
  return {
    tokenizer_class: 'GPT2Tokenizer',
    chat_template: template,
    ...(bos === undefined ? {} : { bos_token: bos }),
    eos_token: { __type: 'AddedToken', content: eos }, // either form occurs
    clean_up_tokenization_spaces: false,
  };
}

/**
 * The content of tokenizer.json as SentencePiece's users write it: characters, and bytes for those that the vocabulary lacks. Blanks are ▁,
 * and one stands before the text, put there by a normalizer or by what cuts words.
 */
export function sentencePieceTokenizer(
  family: Pick<Family, 'tokens'>,
  blank: 'normalizer' | 'words',
): Record<string, unknown> {
  const { added_tokens: added } = familyTokenizer(family) as { added_tokens: { id: number; content: string }[] };
  const characters = ['▁', '\n', ...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))];
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const first = Math.max(...added.map(({ id }) => id)) + 1;
  const vocab = Object.fromEntries([
    ...bytes.map((byte, i) => [byte, i] as const),
    ...added.map(({ content, id }) => [content, id] as const),
    ...characters.map((char, i) => [char, first + i] as const),
  ]);
  const replace = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
  return {
    added_tokens: added,
    normalizer:
      blank === 'normalizer' ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, replace] } : null,
    pre_tokenizer:
      blank === 'words' ? { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false } : null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: { type: 'BPE', vocab, merges: [], unk_token: '<pad>', fuse_unk: true, byte_fallback: true },
  };
}
