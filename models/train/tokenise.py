"""Turns the corpus into tokens once: work/corpus.jsonl → work/tokens.npz, all that training reads (see data.Corpus).

    /usr/bin/python3 tokenise.py [work/corpus.jsonl]        train.py does it when the tokens are missing or older

The arrays, with the documents in the order of their packages and paths:
    ids uint16, offsets int64 [documents + 1]                     the texts
    path_ids uint16, path_offsets int64 [documents + 1]           each path and a line break
    language, held uint8, package int32 [documents]               language: an index into `languages`; held: 1 where the package is held out
    languages                                                     names
    tables bool [4, vocabulary]                                   what a token says about the text, see `tables`
    sample_ids uint16, sample_offsets int64 [n + 1], sample_language uint8 [n], sample_head, sample_bytes int32 [n]     the held-out sample
"""
import collections, json, os, random, sys
from pathlib import Path

import numpy as np

from bpe import END, FILE, MODEL, VOCAB, Tokenizer

HERE = Path(__file__).parent


def tables(tokenizer):
    """What each token says about the text, bool [4, vocabulary]: it begins a line; a word may be torn at its front, at its end; it is line breaks alone."""
    texts = [tokenizer.decode([i]) for i in range(VOCAB)]
    return np.array([[t[:1] in '\r\n' for t in texts], [t[:1].isalpha() for t in texts], [t[-1:].isalpha() for t in texts], [not t.strip('\r\n') for t in texts]])


def held_out(documents, tokenizer, count=14, characters=1500):
    """The fixed sample for the curve, `count` documents a language: [(language, ids, header length, bytes of the text)]; plain order, at most 512 ids each."""
    languages, sample = collections.defaultdict(list), []
    for document in documents:
        if document['split'] == 'heldout':
            languages[document['language']].append(document)
    for language, files in languages.items():
        for chosen in random.Random(7).sample(files, min(count, len(files))):
            head = [END, FILE, *tokenizer.encode(chosen['path'] + '\n')]
            ids = (head + tokenizer.encode(chosen['text'][:characters]))[:512]
            sample.append((language, ids, len(head), len(tokenizer.decode(ids[len(head):]).encode())))
    return sample


def joined(lists):
    """Lists of ids, an iterable → (all ids uint16, offsets int64)."""
    lists = [np.array(ids, np.uint16) for ids in lists]
    return np.concatenate(lists), np.cumsum([0, *map(len, lists)])


def write(corpus, path):
    """Writes the tokens of the corpus, in one move."""
    documents = sorted(map(json.loads, open(corpus)), key=lambda d: (d['package'], d['path']))
    tokenizer, column = Tokenizer(), lambda key: [d[key] for d in documents]
    languages, packages = list(dict.fromkeys(column('language'))), {name: i for i, name in enumerate(dict.fromkeys(column('package')))}
    ids, offsets = joined(tokenizer.encode(text) for text in column('text'))
    path_ids, path_offsets = joined(tokenizer.encode(name + '\n') for name in column('path'))
    sample = held_out(documents, tokenizer)
    sample_ids, sample_offsets = joined(ids for _, ids, _, _ in sample)
    new = f'{path}.{os.getpid()}.npz'
    np.savez(new, ids=ids, offsets=offsets, path_ids=path_ids, path_offsets=path_offsets, languages=languages, tables=tables(tokenizer),
             language=np.uint8([languages.index(l) for l in column('language')]), held=np.uint8([s == 'heldout' for s in column('split')]),
             package=np.int32([packages[p] for p in column('package')]), sample_ids=sample_ids, sample_offsets=sample_offsets,
             sample_language=np.uint8([languages.index(l) for l, *_ in sample]), sample_head=np.int32([h for _, _, h, _ in sample]),
             sample_bytes=np.int32([b for *_, b in sample]))
    os.replace(new, path)


def fresh(corpus):
    """The path of the corpus's tokens, written first where they are missing or older than the corpus or the tokenizer."""
    path = Path(corpus).with_name('tokens.npz')
    if not path.exists() or path.stat().st_mtime < max(Path(corpus).stat().st_mtime, (MODEL / 'tokenizer.json').stat().st_mtime):
        write(corpus, path)
    return path


if __name__ == '__main__':
    print(fresh(sys.argv[1] if len(sys.argv) > 1 else HERE / 'work' / 'corpus.jsonl'))
