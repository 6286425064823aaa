"""Writes the card ../glassbox-small/README.md from the model folder, manifest.json, curve.json, scaling.json and what was measured.

    python3 card.py          reads measured/*.json; export.sh makes all of it
"""
import collections, hashlib, json, re
from pathlib import Path

from plot import CURVE, NAMES
from quantise import SHIPPED, VARIANTS
from scaling import CORPUS

HERE = Path(__file__).parent
MODEL = HERE.parent / 'glassbox-small'
MEASURED = HERE / 'measured'
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


def percent(share):
    """A share as per cent; a dash where there was nothing."""
    return '–' if share is None else f'{100 * share:.0f}'


def quality(report):
    """What `npm run eval:model -- --json` printed, as values of the template."""
    bits, fill, keys = report['bpb'], report['fill'], report['keys']
    first = [[NAMES[r['language']], f'{r["bytes"]:,}', *(f'{r[k]:.3f}' for k in ('bitsPerByte', 'xz', 'ratio', 'xzTogether', 'ratioTogether'))] for r in bits['languages']]
    second = [[NAMES[r['language']], r['lines'], *(percent(r[k]) for k in ('exact', 'similarity', 'exactAlone', 'similarityAlone')), r['blocks'], *(percent(r[k]) for k in ('exactBlock', 'linesRight', 'blockSimilarity'))]
              for r in fill]
    third = [['**all**' if r['language'] == 'all' else NAMES[r['language']], f'{r["ours"]["characters"]:,}', *(percent(r[k]['saved']) for k in ('ours', 'words', 'ngramAlone', 'ngram')), f'{r["ours"]["saved"] / r["words"]["saved"]:.2f}', f'{r["ratio"]:.2f}'] for r in [*keys['languages'], keys['overall']]]
    shared = report['overlap']
    if shared is None:
        raise SystemExit('measured/eval.json was made without the training text: gather it (README.md) and run npm run eval:model again')
    ours = keys['overall']['ours']
    return {
        'bits': table(['', 'bytes', 'bits per byte', 'xz, each file', 'ratio', 'xz, all in one', 'ratio'], first),
        'fill': table(['in %', 'lines', 'exact', 'similar', 'exact, line alone', 'similar, line alone', 'blocks', 'exact', 'lines right', 'similar'], second),
        'keys': table(['saved, in %', 'characters', 'Glassbox', 'words', 'n-gram of the file', 'n-gram of text and file', 'Glassbox / words', 'Glassbox / the best'], third), 'interval': keys['overall']['interval'],
        'ratio': f'{bits["meanRatio"]:.2f}', 'code_ratio': f'{bits["codeRatio"]:.2f}', 'taken': ours['accepted'] / ours['shown'], 'long': ours['acceptedCharacters'] / ours['accepted'], 'shown': 100 * ours['shown'] / ours['characters'],
        'overlap': f'{shared["sharing"]} of these {shared["files"]} files share a run of 50 tokens with the training text.'}


def scaling():
    """What scaling.py fitted, as values of the template."""
    found = json.loads((HERE / 'scaling.json').read_text())
    laws = [[name, *(f'{law[k]:.3g}' if law[k] > 1e-6 else '0' for k in 'EAaBb'), law['points'], f'{100 * law["rms"]:.1f} %', f'{100 * law["largest"]:.1f} %'] for name, law in found['laws'].items()]
    rows = [[r['budget'], r['passes'], f'{r["parameters"] / 1e6:.1f}M', f'{r["tokens"] / 1e6:,.0f}M', f'{r["loss"]:.2f}', f'{r["shipped"]:.2f}'] for r in found['recommended']]
    return {
        'sizes': len({n for n, *_ in found['points']}),
        'law': table(['fitted to', 'E', 'A', 'a', 'B', 'b', 'points', 'residual, root mean square', 'largest'], laws),
        'recommended': table(['budget', 'passes over the text, at most', 'best size', 'its tokens', 'bits per byte expected', 'of the shipped size'], rows)}


def variants():
    """The table of what variants.mjs measured."""
    measured = json.loads((MEASURED / 'variants.json').read_text())
    rows = [[f'**{VARIANTS[r["name"]]}** (shipped)' if r['name'] == SHIPPED else VARIANTS[r['name']], f'{r["bytes"]:,}', f'{r["bitsPerByte"]:.4f}', f'{r["prefillRatio"]:.2f}', f'{r["decodeRatio"]:.2f}']
            for r in measured['rows']]
    return table(['weights', 'bytes', 'bits per byte', 'prompt, speed to fp32', 'decoding, speed to fp32'], rows)


def samples():
    """The greedy samples, the completion between ⟦ and ⟧."""
    rows = map(json.loads, (MEASURED / 'samples.jsonl').read_text().strip().split('\n'))
    return '\n\n'.join(f'`{path}`\n\n````{Path(path).suffix[1:]}\n{before}⟦{middle}⟧{after.rstrip()}\n````' for path, before, middle, after in rows)


def main():
    """Writes the card."""
    manifest, curve, config = (json.loads(p.read_text()) for p in (HERE / 'manifest.json', CURVE, MODEL / 'config.json'))
    languages, licences = data_tables(manifest)
    last = curve['heldout'][-1]
    speed = curve['tokens/s by row length']
    files = [*sorted(MODEL.glob('onnx/*.onnx')), *sorted(MODEL.glob('*.json'))]
    template = (HERE / 'card.template.md').read_text()
    values = {
        'parameters': f'{parameters(config):,}', 'megaparameters': f'{parameters(config) / 1e6:.2f}', 'packages': f'{len(manifest["packages"]):,}',
        'languages': languages, 'licences': licences, 'config': config, 'tokens': f'{curve["tokens"] / 1e6:.1f}', 'steps': f'{curve["steps"]:,}',
        'minutes': f'{curve["seconds"] / 60:.0f}', 'mean': f'{curve["tokens"] / curve["seconds"]:,.0f}',
        'speeds': table(['row length', 'best step, tokens/s', 'median step, tokens/s'], [[n, f'{s["best"]:,}', f'{s["median"]:,}'] for n, s in speed.items()]),
        'heldout': table([NAMES[n] for n in [*LANGUAGES, 'all']], [[f'{last[n]:.3f}' for n in [*LANGUAGES, 'all']]]),
        **quality(json.loads((MEASURED / 'eval.json').read_text())), **scaling(), 'corpus': f'{CORPUS / 1e6:.1f}', 'copying': json.loads((MEASURED / 'copying.json').read_text()),
        'variants': variants(), 'stored': str(VARIANTS[SHIPPED]), 'samples': samples(),
        'files': table(['file', 'bytes', 'sha256'], [[f'`{f.relative_to(MODEL)}`', f'{f.stat().st_size:,}', f'`{hashlib.sha256(f.read_bytes()).hexdigest()}`'] for f in files])}
    (MODEL / 'README.md').write_text(template.format(**values))
    print((MODEL / 'README.md').stat().st_size, 'bytes of card;', curve['tokens'], 'tokens')


if __name__ == '__main__':
    main()
