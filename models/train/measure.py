"""Measures the exported weights, fp32 and rounded to 8 bits as in the 8-bit file, and prints one JSON object:

    /usr/bin/python3 measure.py [--model ../glassbox-small]

bitsPerByte   of the held-out packages, by language (the sample of data.held_out); needs work/corpus.jsonl
fill          fp32: a hole from a word's end or a sign inside a line to the line's end, greedily filled: how often the first word or sign is
              right, how often the line is, to the letter, and how often the model ends the middle by itself within 32 tokens
score         bits per byte of the files in test/sample, in plain order; `node dist/cli.js score < FILE` computes the same
"""
import argparse, collections, json, math, random, re
from pathlib import Path

import torch

import data, tokenise
from bpe import END, Tokenizer
from export import dequantized, load_folder
from samples import complete, frame
from train import evaluate

HERE = Path(__file__).parent
SAMPLE = HERE.parent.parent / 'test' / 'sample'


def fill(model, corpus, tokenizer, holes=40, around=400):
    """{language: {'first': share, 'exact': share, 'stopped': share, 'holes': number}} over random line ends of 4 to 60 characters."""
    word, result = re.compile(r'\s*(\w+|[^\w\s]|$)'), {}
    for language in ('typescript', 'javascript', 'python'):
        rng, done, counts = random.Random(11), 0, collections.Counter()
        while done < holes:
            chosen = rng.choice(corpus.languages[language])
            path, text = tokenizer.decode(corpus.path(chosen))[:-1], tokenizer.decode(corpus.text(chosen))
            at = rng.randrange(1, len(text))
            end = text.find('\n', at)
            middle = text[at:end]
            if not 4 <= end - at <= 60 or not middle.strip() or (text[at - 1] + text[at]).isalnum():
                continue
            ids, ended = complete(model, frame(tokenizer, path, text[max(0, at - around):at], text[end:end + around // 3]), 32)
            written = tokenizer.decode(ids)
            counts.update({'first': word.match(written)[1] == word.match(middle)[1], 'exact': written.split('\n')[0].rstrip() == middle.rstrip(), 'stopped': ended})
            done += 1
        result[language] = {**{k: round(v / holes, 3) for k, v in counts.items()}, 'holes': holes}
    return result


@torch.no_grad()
def score(model, tokenizer, text):
    """Bits per byte of a text that fits the context, after the begin token."""
    ids = [END, *tokenizer.encode(text)]
    nats = torch.nn.functional.cross_entropy(model(torch.tensor([ids[:-1]]))[0], torch.tensor(ids[1:]), reduction='sum').item()
    return round(nats / math.log(2) / len(text.encode()), 4)


def main():
    """Prints everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default=str(HERE.parent / 'glassbox-small'))
    folder = parser.parse_args().model
    torch.set_num_threads(1)  # leaves the other core to the training
    tokenizer, full = Tokenizer(Path(folder, 'tokenizer.json')), load_folder(folder)
    models = {'fp32': full, '8-bit': dequantized(full)}
    texts = {p.name: p.read_text('utf-8') for p in sorted(SAMPLE.glob('*')) if p.suffix in ('.ts', '.js', '.py')}
    tokens = data.load(tokenise.fresh(HERE / 'work' / 'corpus.jsonl'))
    corpus, sample = data.Corpus(tokens, 'heldout'), data.held_out(tokens)
    print(json.dumps({'bitsPerByte': {name: evaluate(model, sample) for name, model in models.items()},
                      'fill': fill(full, corpus, tokenizer),
                      'score': {name: {file: score(model, tokenizer, text) for file, text in texts.items()} for name, model in models.items()}}, indent=1))


if __name__ == '__main__':
    main()
