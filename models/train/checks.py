"""Checks of the recipe on a tiny model and the text of this folder; prints one line a check, exits 1 unless all hold.

    /usr/bin/python3 checks.py
"""
import json, random, subprocess, sys, tempfile
from pathlib import Path

import torch

import data, filters
from bpe import END, MIDDLE, PREFIX, SUFFIX, Tokenizer

HERE = Path(__file__).parent
TOKENIZER = Tokenizer()


def corpus(folder):
    """A corpus of this folder's own files, written into `folder`; every fourth is held out."""
    path = Path(folder, 'corpus.jsonl')
    files = sorted(HERE.glob('*.py'))
    path.write_text(''.join(json.dumps({'package': f'p{i}', 'path': f.name, 'language': language, 'split': 'heldout' if i % 4 == 3 else 'train', 'text': f.read_text()}) + '\n'
                            for i, f in enumerate(files) for language in data.SHARES))
    return path


def train(folder, text, tokens):
    """Trains the smallest size in `folder` up to `tokens`, going on from what is there; returns the checkpoint."""
    fresh = [] if Path(folder, 'checkpoint.pt').exists() else ['--fresh']
    subprocess.run([sys.executable, HERE / 'train.py', *fresh, '--size', '1.6M', '--tokens', str(tokens), '--constant', '--processes', '1', '--work', folder,
                    '--corpus', text, '--evaluate', '1e12'], check=True, stdout=subprocess.DEVNULL)
    return torch.load(Path(folder, 'checkpoint.pt'))


def resuming():
    """A run that stops and goes on ends with the weights, averages and optimiser state of one that did not stop."""
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        text = corpus(a)
        train(a, text, 2 * 4096)
        cut, whole = train(a, text, 4 * 4096), train(b, text, 4 * 4096)
    same = lambda x, y: all(torch.equal(x[k], y[k]) for k in y)
    assert cut['step'] == whole['step'] == 4
    assert same(cut['model'], whole['model']) and same(cut['average'], whole['average'])
    assert all(same(cut['optimiser'][k], whole['optimiser'][k]) for k in whole['optimiser'])


def rows():
    """Rows have their length; a middle, put back into its frame, gives text that stands in a document; chance counts nothing."""
    with tempfile.TemporaryDirectory() as folder:
        found = data.Corpus(corpus(folder), 'train')
    pieces, orders = data.Pieces(TOKENIZER), set()
    texts = [d['text'] for d in found.documents]
    for seed in range(60):
        row = data.row(found, 512, TOKENIZER, pieces, f'check {seed}')
        assert len(row) == 513 and row == data.row(found, 512, TOKENIZER, pieces, f'check {seed}')
        counts = data.importance(torch.tensor([row]))[0]
        ids = [i % data.MARK for i in row]
        assert all(counts[i] == 0 for i in range(513) if ids[i] in (PREFIX, MIDDLE))
        for start in (i for i, id in enumerate(ids) if id == PREFIX):
            end = next((i for i in range(start, 513) if ids[i] == END), None)
            if end is None:
                continue
            middle = ids.index(MIDDLE, start)
            suffix = ids.index(SUFFIX, start)
            if suffix == start + 1:
                after = ids[suffix + 1:middle]
                written = next(i for i in range(middle, end + 1) if data.MARK <= row[i] < data.CHANCE)
                before, hole = ids[middle + 1:written], ids[written:end]
                orders.add('suffix first')
            else:
                before, after, hole = ids[start + 1:suffix], ids[suffix + 1:middle], ids[middle + 1:end]
                orders.add('prefix first')
            whole = TOKENIZER.decode(before + hole + after).strip('\ufffd')  # a row may cut a character
            assert any(whole in text for text in texts), whole
    assert orders == {'suffix first', 'prefix first'}


def holes():
    """Holes begin and end between words."""
    pieces = data.Pieces(TOKENIZER)
    ids = TOKENIZER.encode('\n'.join(f'    highlighted_lines{i} = splitIntoParagraphs(first, second)' for i in range(20)))
    for seed in range(300):
        start, end = data.hole(ids, pieces, random.Random(seed))
        assert 0 <= start < end <= len(ids)
        assert pieces.whole(ids, start) or not any(pieces.whole(ids, i) for i in range(start, end))  # one word alone
        assert end == len(ids) or pieces.whole(ids, end)


def secrets():
    """Addresses and keys do not survive."""
    for text in ['mail jane.doe+x@mail.example.org now', 'AKIAABCDEFGHIJKLMNOP', 'ghp_' + 'a1B2' * 9, '-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----',
                 'Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc', 'sha1 ' + 'deadbeef' * 5]:
        clean = filters.scrub(text)
        assert not any(part in clean for part in ('jane', 'AKIAABC', 'a1B2a1', 'PRIVATE', 'eyJ', 'deadbeefdeadbeef')), clean


def main():
    """Runs every check."""
    failed = 0
    for check in (secrets, holes, rows, resuming):
        try:
            check()
            print('ok', check.__doc__)
        except Exception as error:  # reported, and the others still run
            failed += 1
            print('not ok', check.__doc__, repr(error))
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
