"""Measures how far the model should trust the text before its eyes, and writes the answer into generation_config.json:

    OPENBLAS_CORETYPE=SKYLAKEX /usr/bin/python3 copying.py [--model ../glassbox-small]

A small model copies badly what stands a few lines above. So what the engine offers is drawn from a mixture (a cache model; Kuhn & De Mori 1990, with
matches of any length as in Khandelwal et al. 2020, arXiv:1911.00172, but of tokens instead of hidden states):
    p(t) = (1 - copy - word) model(t) + copy * copied(t) + word * frequency(t)
copied(t)     the tokens that followed earlier occurrences of the last token, each counting 4^n, n the number of tokens before it that agree, at most 8
frequency(t)  how often t stands in the text so far
The two weights depend on the longest agreement n (0 to 6) and on whether there is one such place ("one"), several that all go on the same way ("same")
or not ("mixed"). They are found by expectation maximisation on held-out files that are not in the evaluation. See src/engine/copying.ts.
"""
import argparse, collections, json, math
from pathlib import Path

import torch

from bpe import END, FILE, Tokenizer
from export import load_folder

HERE = Path(__file__).parent
BASE, LONGEST, GROUPS = 4, 8, 6
KINDS = ('one', 'same', 'mixed')


def documents(tokenizer, each=14):
    """(ids of the header, ids of the text) of held-out files that the evaluation does not use, `each` a language."""
    used = {(d['package'], d['path']) for d in map(json.loads, open(HERE.parent / 'eval' / 'heldout.jsonl'))}
    taken = collections.Counter()
    for d in map(json.loads, open(HERE / 'work' / 'corpus.jsonl')):
        if d['split'] == 'heldout' and (d['package'], d['path']) not in used and taken[d['language']] < each:
            taken[d['language']] += 1
            head = [END, FILE, *tokenizer.encode(d['path'] + '\n')]
            yield head, tokenizer.encode(d['text'])


def matches(ids, at, places):
    """[(agreement, token)] of the earlier occurrences of the token before ids[at]."""
    found = []
    for j in places.get(ids[at - 1], ()):
        n = 1
        while n < LONGEST and j - 1 - n >= 0 and ids[j - 1 - n] == ids[at - 1 - n]:
            n += 1
        found.append((n, ids[j]))
    return found


def group(found):
    """(longest agreement, kind) of the matches; (0, 'one') without any."""
    if not found:
        return 0, 'one'
    longest = max(n for n, _ in found)
    best = [t for n, t in found if n == longest]
    return min(longest, GROUPS), 'one' if len(best) == 1 else 'same' if len(set(best)) == 1 else 'mixed'


@torch.no_grad()
def positions(model, tokenizer):
    """{group: [(model, copied, frequency) probabilities of the token that came]}"""
    result = collections.defaultdict(list)
    for head, ids in documents(tokenizer):
        start = max(0, len(ids) - (model.config.context - len(head)))  # the model sees what fits, the search all that stands before
        shown = torch.tensor([head + ids[start:]])
        nats = torch.nn.functional.cross_entropy(model(shown[:, :-1])[0], shown[0, 1:], reduction='none')[len(head) - 1:]
        places, counts = collections.defaultdict(list), collections.Counter()
        for at, token in enumerate(ids):
            if at >= max(start, 1):
                found = matches(ids, at, places)
                weights = [BASE ** n for n, _ in found]
                copied = sum(w for w, (_, t) in zip(weights, found) if t == token) / max(1, sum(weights))
                result[group(found)].append((math.exp(-nats[at - start]), copied, counts[token] / at))
            if at > 0:
                places[ids[at - 1]].append(at)
            counts[token] += 1
    return result


def weigh(rows, steps=60):
    """(copy, word) that maximise the likelihood of the rows."""
    copy, word = 0.2, 0.05
    for _ in range(steps):
        a = b = 0
        for m, c, f in rows:
            total = (1 - copy - word) * m + copy * c + word * f + 1e-12
            a, b = a + copy * c / total, b + word * f / total
        copy, word = a / len(rows), b / len(rows)
    return copy, word


def main():
    """Writes the weights and prints what they gain."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default=str(HERE.parent / 'glassbox-small'))
    folder = Path(parser.parse_args().model)
    torch.set_num_threads(1)
    rows = positions(load_folder(folder), Tokenizer(folder / 'tokenizer.json'))
    table = {kind: {'copy': [], 'word': []} for kind in KINDS}
    alone = mixed = count = 0
    for n in range(GROUPS + 1):
        for kind in KINDS:
            found = rows.get((n, kind), [])
            copy, word = weigh(found) if len(found) > 50 else (0.0, 0.0)
            table[kind]['copy'].append(round(copy, 4))
            table[kind]['word'].append(round(word, 4))
            for m, c, f in found:
                alone -= math.log2(m + 1e-12)
                mixed -= math.log2((1 - copy - word) * m + copy * c + word * f + 1e-12)
            count += len(found)
    path = folder / 'generation_config.json'
    config = json.loads(path.read_text())
    config['glassbox_copying'] = {'base': BASE, 'longest': LONGEST, **table}
    path.write_text(json.dumps(config, indent=2) + '\n')
    print(json.dumps({'tokens': count, 'bits a token': {'model': round(alone / count, 3), 'mixture': round(mixed / count, 3)}, **table}))


if __name__ == '__main__':
    main()
