"""Draws the curve of the training: writes ../glassbox-small/training.svg and prints the totals.

    python3 plot.py

Reads work/log.jsonl and keeps a thinned copy in curve.json; without work/ it reads curve.json. Needs nothing but Python.
"""
import json
from pathlib import Path

HERE = Path(__file__).parent
CURVE, LOG, OUT = HERE / 'curve.json', HERE / 'work' / 'log.jsonl', HERE.parent / 'glassbox-small' / 'training.svg'
NAMES = {'python': 'Python', 'markdown': 'Markdown', 'dts': '.d.ts', 'javascript': 'JavaScript', 'json': 'JSON', 'typescript': 'TypeScript', 'all': 'mean'}
LEFT, RIGHT, WIDTH = 52, 664, 760
STYLE = '''
text { font: 12px system-ui, sans-serif; fill: #57606a } .title { font-weight: 600; fill: #1f2328 }
.grid { stroke: #d0d7de } path { fill: none; stroke-width: 1.75; stroke-linejoin: round }
.loss { stroke: #1f2328 } .all { stroke: #1f2328; stroke-width: 2.75 } text.all { fill: #1f2328; stroke: none; font-weight: 600 }
.typescript { stroke: #0969da } .javascript { stroke: #9a6700 } .python { stroke: #1a7f37 } .dts { stroke: #8250df } .markdown { stroke: #cf222e } .json { stroke: #bf3989 }
text.typescript { fill: #0969da } text.javascript { fill: #9a6700 } text.python { fill: #1a7f37 } text.dts { fill: #8250df } text.markdown { fill: #cf222e } text.json { fill: #bf3989 }
text { stroke: none !important }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1 } .title, text.all { fill: #f0f6fc } .grid { stroke: #3d444d } .loss, .all { stroke: #f0f6fc }
.typescript { stroke: #4493f8 } .javascript { stroke: #d29922 } .python { stroke: #3fb950 } .dts { stroke: #ab7df8 } .markdown { stroke: #f85149 } .json { stroke: #db61a2 }
text.typescript { fill: #4493f8 } text.javascript { fill: #d29922 } text.python { fill: #3fb950 } text.dts { fill: #ab7df8 } text.markdown { fill: #f85149 } text.json { fill: #db61a2 }
}'''


def median(values):
    """The upper median."""
    return sorted(values)[len(values) // 2]


def last_way(lines):
    """The log without what was given up: a run that goes on from an earlier state replaces all that came after that state."""
    kept = []
    for r in lines:
        while kept and kept[-1]['tokens'] >= r['tokens'] and 'loss' in r:
            kept.pop()
        kept.append(r)
    return kept


def thin(lines, points=150):
    """The log in short: totals, {tokens, loss} averaged over equal parts, and every held-out measurement."""
    steps = [r for r in lines if 'loss' in r]
    size = max(1, steps[-1]['tokens'] // points)
    parts = {}
    for r in steps:
        parts.setdefault((r['tokens'] - 1) // size, []).append(r)
    speeds = {}
    for context in sorted({r['context'] for r in steps}):
        found = [r['tokens/s'] for r in steps if r['context'] == context]
        speeds[str(context)] = {'best': max(found), 'median': median(found)}
    return {'steps': lines[-1]['step'], 'tokens': lines[-1]['tokens'], 'seconds': lines[-1]['seconds'], 'tokens/s by row length': speeds,
            'loss': [[p[-1]['tokens'], round(sum(r['loss'] for r in p) / len(p), 3)] for p in parts.values() if len(p) * 2 >= len(parts[max(0, max(parts) - 1)])],
            'heldout': [{'tokens': r['tokens'], **r['heldout']} for r in lines if 'heldout' in r]}


def load():
    """The thinned log."""
    if not LOG.exists():
        return json.loads(CURVE.read_text())
    curve = thin(last_way([json.loads(line) for line in LOG.read_text().splitlines()]))
    rows = lambda key: ',\n  '.join(json.dumps(row) for row in curve[key])
    head = json.dumps({k: v for k, v in curve.items() if k not in ('loss', 'heldout')})
    CURVE.write_text(f'{head[:-1]},\n "loss": [\n  {rows("loss")}],\n "heldout": [\n  {rows("heldout")}]\n}}\n')
    return curve


def panel(title, top, height, lines, tokens, step):
    """The SVG of one panel; lines is {name: [(tokens, value)]}."""
    values = [v for points in lines.values() for _, v in points]
    bottom, ceiling = min(values) // step * step, max(values)
    x = lambda t: LEFT + (RIGHT - LEFT) * t / tokens
    y = lambda v: top + height - height * (v - bottom) / (ceiling - bottom)
    out = [f'<text class="title" x="{LEFT}" y="{top - 12}">{title}</text>']
    tick = bottom
    while tick <= ceiling + 1e-9:
        out.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/><text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
        tick = round(tick + step, 6)
    each = next(s for s in (250_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 10**9) if tokens / s <= 9)
    for t in range(0, tokens + 1, each):
        out.append(f'<text x="{x(t):.1f}" y="{top + height + 18}" text-anchor="middle">{t / 1e6:g}</text>')
    ends, room = [], top + height
    for at, name in sorted(((y(points[-1][1]), name) for name, points in lines.items()), reverse=True):
        ends.append((min(at, room), name))  # labels do not overlap: each at least a line above the one below
        room = ends[-1][0] - 14
    for name, points in lines.items():
        out.append(f'<path class="{name}" d="M{" ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in points)}"/>')
    if len(lines) > 1:
        out += [f'<text class="{name}" x="{RIGHT + 8}" y="{at + 4:.1f}">{NAMES[name]}</text>' for at, name in ends]
    return '\n'.join(out)


def main():
    """Writes the picture."""
    curve = load()
    late = [r for r in curve['heldout'] if r['tokens'] > 300_000]  # the first measurement would squeeze the rest
    heldout = {name: [(r['tokens'], r[name]) for r in late] for name in NAMES}
    loss = [(t, v) for t, v in curve['loss'] if t > 300_000]
    OUT.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 520" width="{WIDTH}" height="520" role="img">\n'
                   f'<title>Training loss and held-out bits per byte over {curve["tokens"] / 1e6:.1f} million tokens</title>\n<style>{STYLE}\n</style>\n'
                   + panel('Training loss, nats per token', 30, 150, {'loss': loss}, curve['tokens'], 0.5) + '\n'
                   + panel('Held-out bits per byte', 238, 232, heldout, curve['tokens'], 0.2) + '\n'
                   + f'<text x="{(LEFT + RIGHT) // 2}" y="512" text-anchor="middle">million tokens seen</text>\n</svg>\n')
    print(json.dumps({k: v for k, v in curve.items() if k not in ('loss', 'heldout')}), json.dumps(curve['heldout'][-1]), sep='\n')


if __name__ == '__main__':
    main()
