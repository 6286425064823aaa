"""A byte-level BPE tokenizer: trainer, encoder and the two Hugging Face files.

    /usr/bin/python3 bpe.py train                writes ../glassbox-small/tokenizer.json and tokenizer_config.json
    /usr/bin/python3 bpe.py golden FILE          writes test cases: text and ids without the begin token
"""
import collections, heapq, json, random, sys
from pathlib import Path

import regex

HERE = Path(__file__).parent
MODEL = HERE.parent / 'glassbox-small'
VOCAB = 8192
SPECIALS = ['<|endoftext|>', '<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>', '<|fim_pad|>', '<|file_sep|>', '<|repo_name|>']
END, PREFIX, SUFFIX, MIDDLE, PAD, FILE, REPO = range(7)
# A line break and the indentation after it are one piece; only a single space attaches to a word.
PATTERN = r'[\r\n]+[ \t]*| ?\p{L}+| ?\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|[ \t]+|\s+'
# JavaScript's \s, which differs from Python's in a few control characters and U+FEFF.
SPACE = r'\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff'
SPLIT = regex.compile(PATTERN.replace(r'[^\s', '[^' + SPACE).replace(r'|\s+', f'|[{SPACE}]+'))


def byte_letters():
    """The printable character that stands for each of the 256 bytes in the vocabulary, as every byte-level BPE does it."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    other = iter(range(256, 512))
    return [chr(b) if b in plain else chr(next(other)) for b in range(256)]


LETTERS = byte_letters()


def train(pieces, merges):
    """Learns merges from {piece: count}: the most frequent neighbour pair first. Returns [(left, right)] of letter strings."""
    words = [([LETTERS[b] for b in piece.encode()], count) for piece, count in pieces.items()]
    counts, places = collections.Counter(), collections.defaultdict(set)
    for at, (word, count) in enumerate(words):
        for pair in zip(word, word[1:]):
            counts[pair] += count
            places[pair].add(at)
    heap = [(-count, pair) for pair, count in counts.items()]
    heapq.heapify(heap)
    learned = []
    while len(learned) < merges and heap:
        count, pair = heapq.heappop(heap)
        if -count != counts[pair]:
            if counts[pair] > 0:
                heapq.heappush(heap, (-counts[pair], pair))
            continue
        learned.append(pair)
        changed = set()
        for at in places.pop(pair):
            word, weight = words[at]
            if len(word) < 2:
                continue
            merged = merge(word, pair)
            if len(merged) == len(word):
                continue
            for old in zip(word, word[1:]):
                counts[old] -= weight
            for new in zip(merged, merged[1:]):
                counts[new] += weight
                places[new].add(at)
                changed.add(new)
            words[at] = merged, weight
        counts[pair] = 0
        for new in changed:
            if counts[new] > 0:
                heapq.heappush(heap, (-counts[new], new))
    return learned


def merge(word, pair):
    """The word with every occurrence of the pair joined, left to right."""
    out, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and word[i] == pair[0] and word[i + 1] == pair[1]:
            out.append(word[i] + word[i + 1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return out


class Tokenizer:
    """Encodes text to ids and back. Special tokens are never produced from text: the caller adds their ids."""

    def __init__(self, path=MODEL / 'tokenizer.json'):
        model = json.loads(Path(path).read_text('utf-8'))['model']
        self.vocab = model['vocab']
        self.letters = {i: t for t, i in self.vocab.items()}
        self.ranks = {tuple(m.split(' ')): rank for rank, m in enumerate(model['merges'])}
        self.bytes = {letter: b for b, letter in enumerate(LETTERS)}
        self.cache = {}

    def encode(self, text):
        """The ids of a text, piece by piece."""
        ids, cache = [], self.cache
        for piece in SPLIT.findall(text):
            found = cache.get(piece)
            if found is None:
                found = self.piece(piece)
                if len(cache) < 2_000_000:
                    cache[piece] = found
            ids += found
        return ids

    def piece(self, piece):
        """The ids of one piece: joins the pair of the lowest rank until none is left."""
        word = [LETTERS[b] for b in piece.encode('utf-8', errors='replace')]
        while len(word) > 1:
            best = min(zip(word, word[1:]), key=lambda pair: self.ranks.get(pair, 1 << 30))
            if best not in self.ranks:
                break
            word = merge(word, best)
        return [self.vocab[w] for w in word]

    def decode(self, ids):
        """The text of ids; special tokens appear by name."""
        out = bytearray()
        for i in ids:
            out += SPECIALS[i].encode() if i < len(SPECIALS) else bytes(self.bytes[c] for c in self.letters[int(i)])
        return out.decode('utf-8', errors='replace')


def files(learned):
    """The contents of tokenizer.json and tokenizer_config.json."""
    tokens = SPECIALS + LETTERS + [a + b for a, b in learned]
    tokens = list(dict.fromkeys(tokens))
    level = {'type': 'ByteLevel', 'add_prefix_space': False, 'trim_offsets': True, 'use_regex': False}
    split = {'type': 'Split', 'pattern': {'Regex': PATTERN}, 'behavior': 'Isolated', 'invert': False}
    begin = {'SpecialToken': {'id': SPECIALS[0], 'type_id': 0}}
    added = [{'id': i, 'content': t, 'single_word': False, 'lstrip': False, 'rstrip': False, 'normalized': False, 'special': True} for i, t in enumerate(SPECIALS)]
    tokenizer = {
        'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': added, 'normalizer': None,
        'pre_tokenizer': {'type': 'Sequence', 'pretokenizers': [split, level]},
        'post_processor': {'type': 'TemplateProcessing', 'single': [begin, {'Sequence': {'id': 'A', 'type_id': 0}}],
                           'pair': [begin, {'Sequence': {'id': 'A', 'type_id': 0}}, {'Sequence': {'id': 'B', 'type_id': 1}}],
                           'special_tokens': {SPECIALS[0]: {'id': SPECIALS[0], 'ids': [0], 'tokens': [SPECIALS[0]]}}},
        'decoder': level,
        'model': {'type': 'BPE', 'dropout': None, 'unk_token': None, 'continuing_subword_prefix': None, 'end_of_word_suffix': None, 'fuse_unk': False,
                  'byte_fallback': False, 'vocab': {t: i for i, t in enumerate(tokens)}, 'merges': [f'{a} {b}' for a, b in learned]}}
    config = {'tokenizer_class': 'PreTrainedTokenizer', 'bos_token': SPECIALS[0], 'eos_token': SPECIALS[0], 'pad_token': SPECIALS[PAD], 'unk_token': None,
              'additional_special_tokens': SPECIALS[1:], 'add_prefix_space': False, 'clean_up_tokenization_spaces': False, 'model_max_length': 1024,
              'fim_order': 'suffix-first'}  # prefix mark, suffix mark, suffix, middle mark, prefix: the middle follows
    return tokenizer, config


CASES = ['', 'a', ' ', '\n', '  two  spaces  ', 'function add(a, b) {\n  return a + b;\n}\n', 'def f(x):\n\tif x:\n\t\treturn 1\n\telse:\n\t\treturn None\n',
         'const π = 3.14159; // Größe, naïve café, Ångström', '漢字かな交じり文と한국어', '👩‍👩‍👧 🚀 emoji 🇪🇺 flags', 'line one\r\nline two\r\n\r\n    indented\r\n',
         'x' * 90, '1234567890 0xdeadbeef 1e-9 12 345', '\n' + ' ' * 60 + 'deep();\n\n\n\n', 'a\u00a0b\u2003c\ufeffd\u0085e\x1cf\x0bg\x0ch', '\t \t mixed \t tabs\n \t x',
         'if (a !== b && !c?.d ?? e) => { ...rest }[0]["key"] = `${x}`;', '{"name": "glassbox", "version": "1.0.0", "n": [1, 2, null, true]}',
         '# Title\n\n- item *one*\n- `code`\n\n```ts\nlet x: Map<string, number[]>;\n```\n', "it's they're don't I'LL",
         'Ελληνικά, русский, עברית, العربية, हिन्दी, ไทย', 'e\u0301 combining, \u200d joiner, \U0001f468\U0001f3fd tone, ½ Ⅷ ① ²',
         'import { readFileSync } from "node:fs";\n\nexport async function load(path: string): Promise<void> {\n    await import(path);\n}\n']


def main():
    """Trains on a sample of the corpus, or writes the golden cases."""
    if sys.argv[1] == 'golden':
        tokenizer = Tokenizer()
        rows = [json.dumps({'text': text, 'ids': tokenizer.encode(text)}) for text in CASES]
        Path(sys.argv[2]).write_text('[\n' + ',\n'.join(rows) + '\n]\n')
        return
    weights = {'typescript': 1.0, 'javascript': 0.6, 'python': 0.6, 'dts': 0.4, 'json': 0.7, 'markdown': 0.4}
    chance, pieces, size = random.Random(1), collections.Counter(), 0
    for line in open(HERE / 'work' / 'corpus.jsonl'):
        document = json.loads(line)
        if document['split'] == 'train' and chance.random() < weights[document['language']]:
            pieces.update(SPLIT.findall(document['text']))
            size += len(document['text'])
    pieces = {p: c for p, c in pieces.items() if c > 3 and len(p) < 64}
    learned = train(pieces, VOCAB - 256 - len(SPECIALS))
    tokenizer, config = files(learned)
    assert len(tokenizer['model']['vocab']) == VOCAB, len(tokenizer['model']['vocab'])
    (MODEL / 'tokenizer.json').write_text(json.dumps(tokenizer, ensure_ascii=False, indent=0) + '\n')
    (MODEL / 'tokenizer_config.json').write_text(json.dumps(config, indent=2) + '\n')
    print(f'{size} characters, {len(pieces)} pieces, last merge {learned[-1]}')


if __name__ == '__main__':
    main()
