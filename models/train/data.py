"""Turns the tokens of the corpus (see tokenise.py) into rows of ids: headers, other files of the package, fill-in-the-middle. Needs only numpy.

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
import io, lzma, random
from pathlib import Path

import numpy as np

END, PREFIX, SUFFIX, MIDDLE, FILE = 0, 1, 2, 3, 5  # as in bpe.py, which needs more than numpy
SHARES = {'typescript': 0.29, 'javascript': 0.25, 'python': 0.27, 'dts': 0.06, 'markdown': 0.07, 'json': 0.06}
FIM, PREFIX_FIRST, HEADER, OTHERS = 0.7, 0.2, 0.85, 0.25  # prefix first: of the holes; others: of those with a header
MARK, MIDDLE_COUNTS = 1 << 16, 3  # added to the ids of a middle; how much they count
CHANCE = 2 * MARK                 # added to an id that nothing before it foretells: it counts nothing


def load(path):
    """The arrays of tokens.npz, packed by xz or not, by name."""
    return dict(np.load(io.BytesIO(lzma.open(path).read()) if Path(path).suffix == '.xz' else path))


class Pieces:
    """What a token id says about the text: whether it begins a line, whether a word may be torn at its front or its end, and whether it is line breaks alone."""

    def __init__(self, tables):
        self.line, self.head, self.tail, self.breaks = tables.tolist()

    def lines(self, ids):
        """Positions where a line break stands, and the end."""
        return [i for i, id in enumerate(ids) if self.line[id]] + [len(ids)]

    def whole(self, ids, i):
        """Whether no word is torn between i - 1 and i."""
        return i == 0 or not (self.head[ids[i]] and self.tail[ids[i - 1]])


class Corpus:
    """The documents of one split, by number, in the order of their packages and paths; drawn by language and size."""

    def __init__(self, arrays, split):
        self.arrays, self.pieces = arrays, Pieces(arrays['tables'])
        self.ids, self.offsets, self.packages = arrays['ids'], arrays['offsets'], arrays['package']
        self.lines = np.flatnonzero(arrays['tables'][0][self.ids])  # where a token begins a line
        kept = arrays['held'] == (split == 'heldout')
        self.languages = {str(name): np.flatnonzero(kept & (arrays['language'] == i)) for i, name in enumerate(arrays['languages'])}
        self.sizes = {name: np.cumsum(np.diff(self.offsets)[found]) for name, found in self.languages.items()}

    def draw(self, rng):
        """A random document: the language by share, the document by size."""
        language = rng.choices(list(SHARES), list(SHARES.values()))[0]
        sizes = self.sizes[language]
        return int(self.languages[language][np.searchsorted(sizes, rng.randrange(int(sizes[-1])), 'right')])

    def others(self, document, rng):
        """One or two other files of the package, near it in path order."""
        package = self.packages[document]
        near = [i for i in range(max(0, document - 4), min(len(self.packages), document + 5)) if i != document and self.packages[i] == package]
        return rng.sample(near, min(len(near), rng.choice((1, 1, 2))))

    def path(self, document):
        """The ids of the path and its line break."""
        start, end = self.arrays['path_offsets'][document:document + 2]
        return self.arrays['path_ids'][start:end].tolist()

    def text(self, document):
        """The ids of the whole text."""
        return self.ids[self.offsets[document]:self.offsets[document + 1]].tolist()

    def window(self, document, size, rng):
        """(ids, whether they reach the end): at most `size` tokens from the start of the file, or from a line in it.

        An indented line begins with the token of its line break and indentation, another one after that of its line break.
        """
        start, end = self.offsets[document:document + 2].tolist()
        if end - start > size and rng.random() >= 0.3:
            at = np.searchsorted(self.lines, start + rng.randrange(end - start - size // 2))
            if at < len(self.lines) and self.lines[at] < end - 1:
                start = int(self.lines[at])
                start += self.pieces.breaks[self.ids[start]]
        return self.ids[start:min(start + size, end)].tolist(), start + size >= end


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


def document(corpus, room, rng):
    """Ids of one document, at most `room` of them. Its first counts nothing: the text before may have been cut anywhere."""
    chosen, ids = corpus.draw(rng), [END + CHANCE]
    if rng.random() < HEADER:
        if rng.random() < OTHERS:
            for other in corpus.others(chosen, rng):
                ids += [FILE + CHANCE, *corpus.path(other), *corpus.window(other, int(room * rng.uniform(0.08, 0.25)), rng)[0]]
        ids += [FILE + CHANCE, *corpus.path(chosen)]
    left = room - len(ids)
    if left < 80:
        return ids[:room]
    if rng.random() < FIM:
        size = min(left, rng.choice((150, 250, 400, left, left)))
        filled = fill(corpus.window(chosen, int(size * rng.uniform(0.42, 1.1)), rng)[0], size, corpus.pieces, rng)
        if filled:
            return ids + filled
    text, ends = corpus.window(chosen, left * 4 // 3, rng)  # more than there is room for: most go on to the end of the row
    ids += text
    if len(ids) < room and ends:
        ids.append(END)                                # the end of a whole file
    return ids[:room]


def row(corpus, context, seed):
    """A row of context + 1 ids, a list, some with MARK or CHANCE added; the same for the same seed."""
    rng, ids = random.Random(seed), []
    while len(ids) < context + 1:
        ids += document(corpus, context + 1 - len(ids), rng)
    return ids[:context + 1]


def held_out(arrays):
    """The fixed sample for the curve: {language: [(ids, header length, bytes of the text)]}; plain order, at most 512 ids each."""
    ids, ends, sample = arrays['sample_ids'].tolist(), arrays['sample_offsets'].tolist(), {}
    for i, (language, head, size) in enumerate(zip(arrays['sample_language'], arrays['sample_head'].tolist(), arrays['sample_bytes'].tolist())):
        sample.setdefault(str(arrays['languages'][language]), []).append((ids[ends[i]:ends[i + 1]], head, size))
    return sample
