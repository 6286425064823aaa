"""Turns the corpus into rows of token ids: headers, other files of the package, fill-in-the-middle.

A row is [context + 1] ids and holds one or more documents. A document is
    <|endoftext|>[<|file_sep|>other path\\ntext]…<|file_sep|>path\\ntext                                     plain
    <|endoftext|>[<|file_sep|>other path\\ntext]…<|file_sep|>path\\n<|fim_prefix|><|fim_suffix|>suffix<|fim_middle|>prefix middle<|endoftext|>
The suffix comes first, so that the middle goes straight on from the prefix: a small model learns that far sooner than to look back over a suffix.
Rows are drawn at random, by seed: row i of a run is always the same.
"""
import bisect, collections, itertools, json, random

from bpe import END, FILE, MIDDLE, PREFIX, SUFFIX

SHARES = {'typescript': 0.31, 'javascript': 0.25, 'python': 0.25, 'dts': 0.06, 'markdown': 0.07, 'json': 0.06}
FIM, HEADER, OTHERS = 0.85, 0.8, 0.25
MARK, MIDDLE_COUNTS = 1 << 16, 5  # added to the ids of a middle; how much they count
CHARACTERS = 3.2  # a token, about


class Corpus:
    """The documents of one split, drawn by language and size."""

    def __init__(self, path, split):
        self.documents = [d for d in map(json.loads, open(path)) if d['split'] == split]
        self.languages, self.packages = collections.defaultdict(list), collections.defaultdict(list)
        for document in sorted(self.documents, key=lambda d: (d['package'], d['path'])):
            self.languages[document['language']].append(document)
            self.packages[document['package']].append(document)
        self.sizes = {language: list(itertools.accumulate(len(d['text']) for d in found)) for language, found in self.languages.items()}

    def draw(self, rng):
        """A random document: the language by share, the document by size."""
        language = rng.choices(list(SHARES), list(SHARES.values()))[0]
        sizes = self.sizes[language]
        return self.languages[language][bisect.bisect(sizes, rng.randrange(sizes[-1]))]

    def others(self, document, rng):
        """One or two other files of the package, near it in path order."""
        files = self.packages[document['package']]
        at = files.index(document)
        near = [f for f in files[max(0, at - 4):at + 5] if f is not document]
        return rng.sample(near, min(len(near), rng.choice((1, 1, 2))))


def window(text, size, rng):
    """A piece of about `size` characters that begins at a line start (or at the start of the file)."""
    if len(text) <= size or rng.random() < 0.3:
        return text[:size]
    start = text.find('\n', rng.randrange(len(text) - size // 2)) + 1
    return text[start:start + size]


def hole(text, rng):
    """(start, end) of the middle: the rest of a line, a piece of a line, one to five lines, or a random span. Hardly ever blank."""
    lines = [0, *itertools.accumulate(len(line) for line in text.splitlines(keepends=True))]
    for _ in range(6):
        first, kind = rng.randrange(len(lines) - 1), rng.random()
        start, end = lines[first], lines[first + 1]
        if kind > 0.85:
            start = rng.randrange(len(text))
            end = min(len(text), start + int(rng.expovariate(1 / 80)) + 1)
        elif kind > 0.6:                               # whole lines; the indentation is already there, mostly
            end = lines[min(first + rng.choice((1, 1, 2, 3, 5)), len(lines) - 1)]
            start += len(text[start:end]) - len(text[start:end].lstrip(' \t')) if rng.random() < 0.8 else 0
        else:                                          # from a random place, or the end of a word, to the end of the line
            start = rng.randint(start, end - 1)
            while rng.random() < 0.85 and start < end - 1 and text[start - 1:start + 1].isalnum():
                start += 1
            if kind > 0.45:
                end = rng.randint(start, end)
        end -= text[end - 1:end] == '\n' and end > start
        if text[start:end].strip():
            break
    return start, max(start, end)


def fill(text, room, tokenizer, rng):
    """Ids of one fill-in-the-middle example in at most `room` tokens; the far ends of prefix and suffix go first."""
    start, end = hole(text, rng)
    middle = tokenizer.encode(text[start:end])
    left = room - len(middle) - 4
    if left < 36:
        return None
    suffix = tokenizer.encode(text[end:end + room * 2])[:int(left * rng.uniform(0.1, 0.4))]
    prefix = tokenizer.encode(text[max(0, start - room * 4):start])
    prefix = prefix[max(0, len(prefix) - (left - len(suffix))):]
    return [PREFIX, SUFFIX, *suffix, MIDDLE, *prefix, *(i + MARK for i in (*middle, END))]


def cut(text, tokenizer, rng):
    """Ids of a text that was encoded in pieces cut at random places, as a text is that ends at a cursor."""
    size = int(rng.expovariate(1 / 400)) + 40
    pieces = [text[:size], text[size:]] if rng.random() < 0.7 else [text]
    return [i for piece in pieces for i in tokenizer.encode(piece)]


def importance(targets):
    """What each target [B, T] counts in training: 1; in a middle, its end token included, more; marks whose place is chance, nothing."""
    chance = (targets == PREFIX) | (targets == SUFFIX) | (targets == MIDDLE)
    return (1 + (MIDDLE_COUNTS - 1) * (targets >= MARK)).masked_fill(chance, 0).float()


def document(corpus, room, tokenizer, rng):
    """Ids of one document, at most `room` of them."""
    chosen, ids = corpus.draw(rng), [END]
    if rng.random() < HEADER:
        if rng.random() < OTHERS:
            for other in corpus.others(chosen, rng):
                piece = window(other['text'], int(room * CHARACTERS * rng.uniform(0.1, 0.3)), rng)
                ids += [FILE, *tokenizer.encode(other['path'] + '\n'), *tokenizer.encode(piece)]
        ids += [FILE, *tokenizer.encode(chosen['path'] + '\n')]
    left = room - len(ids)
    if left < 80:
        return ids[:room]
    if rng.random() < FIM:
        size = min(left, rng.choice((100, 140, 200, 300, left)))
        text = window(chosen['text'], int(size * CHARACTERS * rng.uniform(0.4, 1.2)), rng)
        text = text[:text.rfind('\n') + 1]
        filled = fill(text, size, tokenizer, rng) if len(text) > 20 else None
        if filled:
            return ids + filled
    return (ids + cut(window(chosen['text'], left * 5, rng), tokenizer, rng))[:room]


def row(corpus, context, tokenizer, seed):
    """A row of context + 1 ids, a list, those of a middle plus MARK; the same for the same seed."""
    rng, ids = random.Random(seed), []
    while len(ids) < context + 1:
        room = context + 1 - len(ids)
        if room < 100:
            text = window(corpus.draw(rng)['text'], 700, rng)
            ids += ([END] + tokenizer.encode(text))[:room]
        else:
            ids += document(corpus, room, tokenizer, rng)
    return ids[:context + 1]


def held_out(corpus, tokenizer, documents=14, characters=1500):
    """The fixed sample: {language: [(ids, header length, bytes of the text)]}; plain order, at most 512 ids each."""
    sample = collections.defaultdict(list)
    for language, files in corpus.languages.items():
        rng = random.Random(7)
        for chosen in rng.sample(files, min(documents, len(files))):
            head = [END, FILE, *tokenizer.encode(chosen['path'] + '\n')]
            text = chosen['text'][:characters]
            ids = (head + tokenizer.encode(text))[:512]
            sample[language].append((ids, len(head), len(tokenizer.decode(ids[len(head):]).encode())))
    return dict(sample)
