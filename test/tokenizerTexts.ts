// Texts for trying tokenizers: a few lines to learn a vocabulary from, and many shapes of text to encode.

/** Vocabularies are learned from it. */
export const SAMPLE = `def total(values):\n    result = 0\n    for value in values:\n        result += value * 2\n    return result\n
export function add(a: number, b: number): number {\n  return a + b;\n}\nconst items = [];\nfor (let i = 0; i < items.length; i++) {
\tif (items[i] === 100) return "the value is there";\n}\nfn main() { let mut count: i32 = 2024; println!("{}", count); }\n
The quick brown fox; naïve café über größer. 你好，世界。 こんにちは привет мир 🦊🦊\n`;

/** Texts in many languages and shapes. */
export const TEXTS: readonly string[] = [
  'def add(a, b):\n    return a + b\n',
  '  leading blanks',
  'trailing blanks   ',
  ' one blank',
  '\tif (x) {\n\t\treturn x;\n\t}\n',
  'a\r\nb\r\n\r\nc',
  "I'm sure it's they'LL DON'T we've",
  'x = 1234567890 + 3.14e-10;',
  '版本2024年，你好世界。',
  'こんにちは、カタカナ',
  '🦊 fox 👨‍👩‍👧 family 🏳️‍🌈',
  'naïve café über größer ÀÉÎ',
  'привет, мир!',
  'for(;;){i++;--j;a&&b||!c;}',
  '\n\n\n\n    x',
  'a          b                              c',
  'A_snake_case camelCase PascalCase HTMLParser2',
  '"quotes" \'single\' `ticks` \\back\\slash #&~@$%^',
  'مرحبا بالعالم؟ हिन्दी।',
  'x\u00a0y\u3000z\u2028w',
  '½ ² ³ Ⅳ ٣',
  '<div class="a">&nbsp;</div>',
  '\ufeffwith a mark',
  '▁lower one eighth block▁',
  'a',
  ' ',
  '\n',
];

/** Texts in which a token's name, or part of one, is written out. */
export const LOOKALIKES: readonly string[] = [
  '<|endoftext|>',
  'a <|endoftext|> b',
  '<s>text</s> <|im_start|>user\nhi<|im_end|>',
  '<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>',
  '<|end|>  x <|user|>\n y',
  'half <|endof',
  '<tool_call> x </tool_call>',
  '▁<PRE> a ▁<SUF>b ▁<MID>',
];
