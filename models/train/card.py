"""Writes the card ../glassbox-small/README.md from the model folder, manifest.json, curve.json and what was measured.

    python3 card.py          after samples.py > work/samples.jsonl and measure.py > work/measured.json (export.sh does all)
"""
import collections, hashlib, json, re
from pathlib import Path

from plot import CURVE, NAMES
from quantise import SHIPPED, VARIANTS

HERE = Path(__file__).parent
MODEL = HERE.parent / 'glassbox-small'
LANGUAGES = [n for n in ('typescript', 'javascript', 'python', 'dts', 'markdown', 'json')]
SAME = {'expat': 'MIT', 'bsd-3-clause': 'BSD-3-Clause', 'apache': 'Apache-2.0', 'apache 2.0': 'Apache-2.0', 'psf': 'PSF-2.0'}


def table(head, rows):
    """A Markdown table; every column but the first is aligned right."""
    line = lambda cells: '| ' + ' | '.join(str(c) for c in cells) + ' |'
    return '\n'.join([line(head), '|---' + '|---:' * (len(head) - 1) + '|', *map(line, rows)])


def data_tables(manifest):
    """Megabytes by language and by licence."""
    split = manifest['bytes']
    rows = [[NAMES[n], *(f'{split[s][n] / 1e6:.1f}' for s in ('train', 'heldout'))] for n in LANGUAGES]
    rows.append(['all', *(f'{sum(split[s].values()) / 1e6:.1f}' for s in ('train', 'heldout'))])
    licences = collections.Counter()
    for name, size in manifest['licences'].items():
        licences['several of these, or a choice among licences with one of these' if re.search(r' (and|or) |,', name, re.I) else SAME.get(name.lower(), name)] += size
    return table(['language', 'MB, training', 'MB, held out'], rows), table(['licence', 'MB'], [[n, f'{s / 1e6:.1f}' if s > 5e4 else '< 0.1'] for n, s in licences.most_common()])


def parameters(config):
    """The number of weights; the embedding counts once."""
    d, e, inner = config['hidden_size'], config['head_dim'], config['intermediate_size']
    heads, kv = config['num_attention_heads'], config['num_key_value_heads']
    return config['vocab_size'] * d + config['num_hidden_layers'] * (2 * d * e * (heads + kv) + 3 * d * inner + 2 * d) + d


def quality(measured):
    """The tables of what measure.py printed."""
    bits, fill, score = measured['bitsPerByte'], measured['fill'], measured['score']
    first = table(['held-out packages', 'fp32', '8-bit'], [[NAMES[n], f'{bits["fp32"][n]:.3f}', f'{bits["8-bit"][n]:.3f}'] for n in [*LANGUAGES, 'all']])
    second = table([f'the rest of a line ({fill["python"]["holes"]} holes a language)', 'first word right', 'line right, to the letter', 'ended by the model'],
                   [[NAMES[n], f'{f["first"]:.0%}', f'{f["exact"]:.0%}', f'{f["stopped"]:.0%}'] for n, f in fill.items()])
    third = table(['file', 'fp32', '8-bit'], [[f'`test/sample/{f}`', f'{score["fp32"][f]:.3f}', f'{score["8-bit"][f]:.3f}'] for f in score['fp32']])
    return first, second, third


def variants():
    """The table of what variants.mjs measured."""
    measured = json.loads((HERE / 'variants.json').read_text())
    rows = [[f'**{VARIANTS[r["name"]]}** (shipped)' if r['name'] == SHIPPED else VARIANTS[r['name']], f'{r["bytes"]:,}', f'{r["bitsPerByte"]:.4f}', f'{r["prefillRatio"]:.2f}', f'{r["decodeRatio"]:.2f}']
            for r in measured['rows']]
    return table(['weights', 'bytes', 'bits per byte', 'prompt, speed to fp32', 'decoding, speed to fp32'], rows)


def samples():
    """The greedy samples, the completion between ⟦ and ⟧."""
    rows = map(json.loads, (HERE / 'work' / 'samples.jsonl').read_text().splitlines())
    return '\n\n'.join(f'`{path}`\n\n```{Path(path).suffix[1:]}\n{before}⟦{middle}⟧{after.rstrip()}\n```' for path, before, middle, after in rows)


def main():
    """Writes the card."""
    manifest, curve, config = (json.loads(p.read_text()) for p in (HERE / 'manifest.json', CURVE, MODEL / 'config.json'))
    languages, licences = data_tables(manifest)
    heldout, fill, score = quality(json.loads((HERE / 'work' / 'measured.json').read_text()))
    speed = curve['tokens/s by row length']
    files = [*sorted(MODEL.glob('onnx/*.onnx')), *sorted(MODEL.glob('*.json'))]
    template = (HERE / 'card.template.md').read_text()
    values = {
        'parameters': f'{parameters(config):,}', 'megaparameters': f'{parameters(config) / 1e6:.2f}', 'packages': f'{len(manifest["packages"]):,}',
        'languages': languages, 'licences': licences, 'config': config, 'tokens': f'{curve["tokens"] / 1e6:.1f}', 'steps': f'{curve["steps"]:,}',
        'minutes': f'{curve["seconds"] / 60:.0f}', 'mean': f'{curve["tokens"] / curve["seconds"]:,.0f}',
        'speeds': table(['row length', 'best step, tokens/s', 'median step, tokens/s'], [[n, f'{s["best"]:,}', f'{s["median"]:,}'] for n, s in speed.items()]),
        'variants': variants(), 'stored': str(VARIANTS[SHIPPED]), 'heldout': heldout, 'fill': fill, 'score': score, 'samples': samples(),
        'files': table(['file', 'bytes', 'sha256'], [[f'`{f.relative_to(MODEL)}`', f'{f.stat().st_size:,}', f'`{hashlib.sha256(f.read_bytes()).hexdigest()}`'] for f in files])}
    (MODEL / 'README.md').write_text(template.format(**values))
    print((MODEL / 'README.md').stat().st_size, 'bytes of card;', curve['tokens'], 'tokens')


if __name__ == '__main__':
    main()
