"""Turns the corpus into rows of token ids: headers, other files of the package, fill-in-the-middle.

A row is [context + 1] ids and holds one or more documents. A document is
    <|endoftext|>[<|file_sep|>other path\\ntext]…<|file_sep|>path\\ntext                                     plain
    <|endoftext|>[<|file_sep|>other path\\ntext]…<|file_sep|>path\\n followed by one of
        <|fim_prefix|><|fim_suffix|>suffix<|fim_middle|>prefix middle<|endoftext|>                        suffix first
        <|fim_prefix|>prefix<|fim_suffix|>suffix<|fim_middle|>middle<|endoftext|>                         prefix first
Suffix first, the middle goes straight on from the prefix: a small model learns that far sooner than to look back over a suffix, and while one
types at the end of the prefix, a cache keeps all the rest. Holes begin and end between pieces of the tokenizer, never inside a word: the engine
takes the word before the cursor back and lets the model write it anew (see src/engine/healing.ts).
Rows are drawn at random, by seed: row i of a run is always the same.
"""
import bisect, collections, itertools, json, random

from bpe import END, FILE, MIDDLE, PREFIX, SPECIALS, SUFFIX

SHARES = {'typescript': 0.29, 'javascript': 0.25, 'python': 0.27, 'dts': 0.06, 'markdown': 0.07, 'json': 0.06}
FIM, PREFIX_FIRST, HEADER, OTHERS = 0.7, 0.2, 0.85, 0.25  # prefix first: of the holes; others: of those with a header
MARK, MIDDLE_COUNTS = 1 << 16, 3  # added to the ids of a middle; how much they count
CHANCE = 2 * MARK                 # added to an id that nothing before it foretells: it counts nothing
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


class Pieces:
    """What a token id says about the text: whether it begins a line, and whether a word may be torn at its front or its end."""

    def __init__(self, tokenizer):
        texts = [tokenizer.decode([i]) for i in range(8192)]
        self.line = [t[:1] in '\r\n' and t != '' for t in texts]
        self.head = [t[:1].isalpha() for t in texts]
        self.tail = [t[-1:].isalpha() for t in texts]

    def lines(self, ids):
        """Positions where a line break stands, and the end."""
        return [i for i, id in enumerate(ids) if self.line[id]] + [len(ids)]

    def whole(self, ids, i):
        """Whether no word is torn between i - 1 and i."""
        return i == 0 or not (self.head[ids[i]] and self.tail[ids[i - 1]])


def hole(ids, pieces, rng):
    """(start, end) of the middle in ids: the rest of a line, a piece of a line, one to five lines, or a random span. None without a line break."""
    breaks = pieces.lines(ids)
    if len(breaks) < 2:
        return None
    at, kind = rng.randrange(len(breaks) - 1), rng.random()
    start, end = breaks[at], breaks[at + 1]
    if kind > 0.88:                                    # a random span
        start = rng.randrange(len(ids))
        end = min(len(ids), start + int(rng.expovariate(1 / 25)) + 1)
    elif kind > 0.6:                                   # whole lines, with or without their first break and indentation
        end = breaks[min(at + rng.choice((1, 1, 2, 3, 5)), len(breaks) - 1)]
        start += rng.random() < 0.7
    else:                                              # from a place in the line to its end, or to another place in it
        start = rng.randint(start, end - 1)
        if kind > 0.45:
            end = rng.randint(start + 1, end)
    start = min(start, end - 1)                        # never nothing: it would teach to end at once
    while start < end - 1 and not pieces.whole(ids, start):
        start += 1
    while end < len(ids) and not pieces.whole(ids, end):
        end += 1
    return start, end


def fill(ids, room, pieces, rng):
    """Ids of one fill-in-the-middle example in at most `room` tokens; the far ends of prefix and suffix go first. None where there is no room."""
    found = hole(ids, pieces, rng)
    if not found or room - (found[1] - found[0]) < 40:
        return None
    start, end = found
    left = room - (end - start) - 4
    suffix = ids[end:end + int(left * rng.uniform(0.1, 0.4))]
    prefix = ids[max(0, start - (left - len(suffix))):start]
    middle = [*(i + MARK for i in ids[start:end]), END + MARK]
    if rng.random() < PREFIX_FIRST:
        return [PREFIX + CHANCE, *prefix, SUFFIX + CHANCE, *suffix, MIDDLE + CHANCE, *middle]
    return [PREFIX + CHANCE, SUFFIX, *suffix, MIDDLE + CHANCE, *prefix, *middle]


def importance(marked):
    """What each target counts in training, marked ids [B, T] → float [B, T]: 1; in a middle, its end token included, more; what is chance, nothing."""
    kind = marked // MARK
    return (1 + (MIDDLE_COUNTS - 1) * (kind == 1)).masked_fill(kind >= 2, 0).float()


def document(corpus, room, tokenizer, pieces, rng):
    """Ids of one document, at most `room` of them. Its first counts nothing: the text before may have been cut anywhere."""
    chosen, ids = corpus.draw(rng), [END + CHANCE]
    if rng.random() < HEADER:
        if rng.random() < OTHERS:
            for other in corpus.others(chosen, rng):
                piece = window(other['text'], int(room * CHARACTERS * rng.uniform(0.1, 0.3)), rng)
                ids += [FILE + CHANCE, *tokenizer.encode(other['path'] + '\n'), *tokenizer.encode(piece)]
        ids += [FILE + CHANCE, *tokenizer.encode(chosen['path'] + '\n')]
    left = room - len(ids)
    if left < 80:
        return ids[:room]
    if rng.random() < FIM:
        size = min(left, rng.choice((150, 250, 400, left, left)))
        text = window(chosen['text'], int(size * CHARACTERS * rng.uniform(0.5, 1.3)), rng)
        filled = fill(tokenizer.encode(text), size, pieces, rng)
        if filled:
            return ids + filled
    text = window(chosen['text'], left * 5, rng)
    ids += tokenizer.encode(text)
    if len(ids) < room and chosen['text'].endswith(text):
        ids.append(END)                                # the end of a whole file
    return ids[:room]


def row(corpus, context, tokenizer, pieces, seed):
    """A row of context + 1 ids, a list, some with MARK or CHANCE added; the same for the same seed."""
    rng, ids = random.Random(seed), []
    while len(ids) < context + 1:
        ids += document(corpus, context + 1 - len(ids), tokenizer, pieces, rng)
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
