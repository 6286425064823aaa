"""Checks of the recipe on a tiny model and the text of this folder; prints one line a check, exits 1 unless all hold.

    /usr/bin/python3 checks.py
"""
import json, random, subprocess, sys, tempfile
from pathlib import Path

import numpy as np
import torch

import bpe, data, filters, optim, parts, tokenise, train, train_gpu
from data import END, MIDDLE, PREFIX, SUFFIX
from model import Config, Decoder

HERE = Path(__file__).parent
TOKENIZER = bpe.Tokenizer()


def corpus(folder):
    """A corpus of this folder's own files, written into `folder`; every fourth is held out."""
    path = Path(folder, 'corpus.jsonl')
    files = sorted(HERE.glob('*.py'))
    path.write_text(''.join(json.dumps({'package': f'p{i}', 'path': f.name, 'language': language, 'split': 'heldout' if i % 4 == 3 else 'train', 'text': f.read_text()}) + '\n'
                            for i, f in enumerate(files) for language in data.SHARES))
    return path


def trained(folder, text, tokens):
    """Trains the smallest size in `folder` up to `tokens`, going on from what is there; returns the checkpoint."""
    fresh = [] if Path(folder, 'checkpoint.pt').exists() else ['--fresh']
    subprocess.run([sys.executable, HERE / 'train.py', *fresh, '--size', '1.6M', '--tokens', str(tokens), '--constant', '--processes', '1', '--work', folder,
                    '--corpus', text, '--evaluate', '1e12'], check=True, stdout=subprocess.DEVNULL)
    return torch.load(Path(folder, 'checkpoint.pt'))


def resuming():
    """A run that stops and goes on ends with the weights, averages and optimiser state of one that did not stop."""
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        text = corpus(a)
        trained(a, text, 2 * 4096)
        cut, whole = trained(a, text, 4 * 4096), trained(b, text, 4 * 4096)
    same = lambda x, y: all(torch.equal(x[k], y[k]) for k in y)
    assert cut['step'] == whole['step'] == 4
    assert same(cut['model'], whole['model']) and same(cut['average'], whole['average'])
    assert all(same(cut['optimiser'][k], whole['optimiser'][k]) for k in whole['optimiser'])


def rows():
    """Rows have their length; a middle, put back into its frame, gives text that stands in a document; chance counts nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = corpus(folder)
        found, orders = data.Corpus(data.load(tokenise.fresh(path)), 'train'), set()
        texts = [d['text'] for d in map(json.loads, open(path)) if d['split'] == 'train']
    assert sorted(set(texts)) == sorted({TOKENIZER.decode(found.text(i)) for some in found.languages.values() for i in some})
    assert (data.END, data.PREFIX, data.SUFFIX, data.MIDDLE, data.FILE) == (bpe.END, bpe.PREFIX, bpe.SUFFIX, bpe.MIDDLE, bpe.FILE)
    for seed in range(60):
        row = data.row(found, 512, f'check {seed}')
        assert len(row) == 513 and row == data.row(found, 512, f'check {seed}')
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


def windows():
    """A piece of a file begins where the file or a line does, its indentation whole, and its ids are those of its text."""
    with tempfile.TemporaryDirectory() as folder:
        found = data.Corpus(data.load(tokenise.fresh(corpus(folder))), 'train')
    rng, inside = random.Random(1), 0
    for _ in range(300):
        chosen = found.draw(rng)
        whole, (ids, ends) = TOKENIZER.decode(found.text(chosen)), found.window(chosen, 200, rng)
        text = TOKENIZER.decode(ids[:max(found.pieces.lines(ids)[:-1], default=0)])  # whole lines
        assert len(ids) <= 200 and ids == found.text(chosen)[-len(ids):] if ends else len(ids) == 200
        assert whole.startswith(text) or text[0] in '\r\n' or '\n' + text in whole
        assert TOKENIZER.encode(text) == ids[:len(TOKENIZER.encode(text))]
        inside += not whole.startswith(text)
    assert inside > 100


def holes():
    """Holes begin and end between words."""
    pieces = data.Pieces(tokenise.tables(TOKENIZER))
    ids = TOKENIZER.encode('\n'.join(f'    highlighted_lines{i} = splitIntoParagraphs(first, second)' for i in range(20)))
    for seed in range(300):
        start, end = data.hole(ids, pieces, random.Random(seed))
        assert 0 <= start < end <= len(ids)
        assert pieces.whole(ids, start) or not any(pieces.whole(ids, i) for i in range(start, end))  # one word alone
        assert end == len(ids) or pieces.whole(ids, end)


def gpu():
    """train_gpu.py computes what model.py, train.py and optim.py compute: logits, loss, gradients, held-out bits, updates."""
    torch.manual_seed(0)
    model = Decoder(Config(vocab=512, hidden=128, layers=3, heads=4, kv_heads=2, head_dim=32, inner=352, context=96))
    for p in model.parameters():
        torch.nn.init.normal_(p, 1.0 if p.ndim < 2 else 0.0, 0.1)
    network, weights = train_gpu.Network(model.config, 'cpu'), {n: p.detach().clone().requires_grad_() for n, p in model.named_parameters()}
    marked = torch.randint(0, 512, (3, 97)) + data.MARK * torch.randint(0, 3, (3, 97))
    ids = marked % data.MARK
    assert (network.logits(weights, ids[:, :-1]) - model(ids[:, :-1])).abs().max() < 1e-4
    sample = {'a': [(ids[0].tolist(), 5, 200), (ids[1, :40].tolist(), 9, 77)], 'b': [(ids[2].tolist(), 1, 100)]}
    found, wanted = network.evaluate(weights, sample), train.evaluate(model, sample)
    assert found.keys() == wanted.keys() and all(abs(found[k] - wanted[k]) < 2e-4 for k in wanted), (found, wanted)
    loss = model.loss(ids[:, :-1], ids[:, 1:], data.importance(marked[:, 1:]))
    weighted, plain = network.loss(weights, marked)
    loss.backward()
    weighted.backward()
    assert abs(plain - loss) < 1e-4
    optimiser, state = train_gpu.Optimiser(weights, 0.01), {n: {k: torch.zeros_like(p) for k in optim.slots(n, p)} for n, p in model.named_parameters()}
    with torch.no_grad():
        for n, p in model.named_parameters():
            assert (weights[n].grad - p.grad).norm() < 1e-4 * p.grad.norm(), n
            weights[n].grad.copy_(p.grad)
            optim.update(n, p, p.grad, state[n], 0.5, 0)
        optimiser.step(0.5, 0)
        for n, p in model.named_parameters():
            assert (weights[n] - p).abs().max() < 2e-3, n   # the directions are computed in bfloat16
            assert all((optimiser.state[n][k] - v).abs().max() <= 1e-5 * v.abs().max() for k, v in state[n].items())


def pieces_of_weights():
    """Weights that go through parts.py come back: with 16 and 12 bits nearly, with 8 as the 8-bit file has them."""
    weights = {'a': np.random.default_rng(1).normal(size=(96, 64)).astype(np.float32), 'b': np.ones(7, np.float32)}
    with tempfile.TemporaryDirectory() as folder:
        for bits, error in ((16, 1e-3), (12, 1e-3), (8, 2e-2)):
            parts.write(folder, weights, {'tokens': 5}, bits)
            found, manifest = parts.read(folder)
            assert manifest['tokens'] == 5 and all(np.abs(found[k] - v).max() < error for k, v in weights.items())
            if bits == 8:
                parts.write(folder, found, {}, 8)
                assert all(np.array_equal(v, found[k]) for k, v in parts.read(folder)[0].items())
        Path(folder, 'weights.0.part').write_bytes(b'cut')
        try:
            parts.read(folder)
        except AssertionError:
            return
    raise AssertionError('a part that was cut was read')


def secrets():
    """Addresses and keys do not survive."""
    for text in ['mail jane.doe+x@mail.example.org now', 'AKIAABCDEFGHIJKLMNOP', 'ghp_' + 'a1B2' * 9, '-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----',
                 'Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc', 'sha1 ' + 'deadbeef' * 5]:
        clean = filters.scrub(text)
        assert not any(part in clean for part in ('jane', 'AKIAABC', 'a1B2a1', 'PRIVATE', 'eyJ', 'deadbeefdeadbeef')), clean


def main():
    """Runs every check."""
    failed = 0
    for check in (secrets, holes, windows, rows, pieces_of_weights, gpu, resuming):
        try:
            check()
            print('ok', check.__doc__)
        except Exception as error:  # reported, and the others still run
            failed += 1
            print('not ok', check.__doc__, repr(error))
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
