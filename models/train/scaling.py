"""Chooses the size of the model by measurement: short runs at several sizes, a scaling law, and what it recommends.

    /usr/bin/python3 scaling.py run     the runs, one after the other, one processor core, about 45 minutes; into work/scaling/
    /usr/bin/python3 scaling.py fit     reads them, fits, writes scaling.json and ../glassbox-small/scaling.svg; without work/ it reads scaling.json

The law is that of Hoffmann et al. 2022 (arXiv:2203.15556, equation 2): L(N, D) = E + A N^-a + B D^-b with N parameters (the tied embedding counts
once), D tokens, and L the mean held-out bits per byte; fitted to log L with the Huber loss (delta 0.001) from many starts, as there.
All points are taken at a constant learning rate from averaged weights; a falling rate at the end lowers each by about 4 percent.
"""
import itertools, json, subprocess, sys
from pathlib import Path

import torch

from model import SIZES, Decoder

HERE = Path(__file__).parent
WORK, LOG, OUT = HERE / 'work', HERE / 'work' / 'log.jsonl', HERE.parent / 'glassbox-small' / 'scaling.svg'
RUNS = {'1.6M': 2e6, '3.1M': 2e6, '6.5M': 1.5e6, '16M': 0.7e6}  # tokens
POINTS = '1e5,1.5e5,2e5,3e5,4.5e5,7e5,1e6,1.4e6,2e6'
WARM = 1.9e5                       # tokens before this are not fitted: the rate was still rising
BUDGETS = {'12 hours of two cores': ('cpu', 12 * 3600), '30 minutes of an H100': ('gpu', 1800)}
GPU_FLOPS = 989e12 * 0.2           # dense bfloat16 peak (data sheet) times the part that small models reach: assumed, not measured
CORPUS = 17.4e6                    # tokens of the text
PASSES = (4, 8, 16)                # over the text: 4 are nearly as good as new text, 16 hardly worth more than 8 (Muennighoff et al. 2023, arXiv:2305.16264)


def run():
    """Trains every size."""
    for size, tokens in RUNS.items():
        folder = WORK / 'scaling' / size
        folder.mkdir(parents=True, exist_ok=True)
        (folder / 'log.jsonl').unlink(missing_ok=True)
        subprocess.run([sys.executable, HERE / 'train.py', '--fresh', '--size', size, '--tokens', str(tokens), '--constant', '--processes', '1',
                        '--work', folder, '--evaluate', POINTS], check=True)


def parameters(size):
    """The number of weights of a size."""
    return sum(p.numel() for p in Decoder(SIZES[size]).parameters())


def measured():
    """{'points': [[N, D, L]], 'long': the same of the shipped model's own run at a constant rate, 'speed': {N: tokens/s of one core}}"""
    if not (WORK / 'scaling').exists():
        return {k: v for k, v in json.loads((HERE / 'scaling.json').read_text()).items() if k in ('points', 'long', 'speed')}
    points, speed = [], {}
    for size in RUNS:
        lines = [json.loads(line) for line in (WORK / 'scaling' / size / 'log.jsonl').read_text().splitlines()]
        points += [[parameters(size), r['tokens'], r['heldout']['all']] for r in lines if 'heldout' in r and 'rate' in r]
        steps = sorted(r['tokens/s'] for r in lines if 'rate' in r)
        speed[parameters(size)] = steps[int(0.9 * len(steps))]  # the machine is shared: a step that was hardly disturbed
    long = [json.loads(line) for line in LOG.read_text().splitlines()]
    since = max(i for i, r in enumerate(long) if i == 0 or r['tokens'] < long[i - 1]['tokens'])  # the last run that began anew from the stable weights
    return {'points': points, 'long': [[parameters('6.5M'), r['tokens'], r['heldout']['all']] for r in long[since + 20:] if 'heldout' in r and r.get('rate') == 1], 'speed': speed}


def predict(law, n, d):
    """L(N, D) of law (log E, log A, a, log B, b); tensors or numbers."""
    return law[0].exp() + (law[1] - law[2] * torch.as_tensor(n).log()).exp() + (law[3] - law[4] * torch.as_tensor(d).log()).exp()


def fit(points):
    """The law that fits best, a tensor of 5."""
    n, d, l = torch.tensor(points, dtype=torch.float64).T
    best = (float('inf'), None)
    for e, a, alpha, b, beta in itertools.product((-1.5, -0.5, 0.0), (0, 5), (0.2, 0.5), (2, 5), (0.2, 0.5)):
        law = torch.tensor([e, a, alpha, b, beta], dtype=torch.float64, requires_grad=True)
        optimiser = torch.optim.LBFGS([law], max_iter=400, line_search_fn='strong_wolfe', tolerance_change=1e-12)

        def closure():
            optimiser.zero_grad()
            loss = torch.nn.functional.huber_loss(predict(law, n, d).log(), l.log(), delta=1e-3)
            loss.backward()
            return loss
        optimiser.step(closure)
        loss = closure().item()
        if loss < best[0] and law[2] > 0 and law[4] > 0:
            best = (loss, law.detach())
    return best[1]


def speed_law(speed):
    """(c, g) with tokens/s of one core = c N^-g, least squares in logarithms."""
    x, y = torch.tensor([[float(n), s] for n, s in speed.items()], dtype=torch.float64).log().T
    g = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    return (y.mean() - g * x.mean()).exp().item(), -g.item()


def recommend(law, speed):
    """Per budget and number of passes over the text that are counted on: the size with the least predicted loss, its tokens, and the shipped size's loss."""
    c, g = speed_law(speed)
    sizes, shipped, rows = torch.logspace(5.5, 9, 1401, dtype=torch.float64), torch.tensor([float(parameters('6.5M'))]).double(), []
    for (name, (kind, seconds)), passes in itertools.product(BUDGETS.items(), PASSES):
        reach = lambda n: (2 * c * n ** -g * seconds if kind == 'cpu' else GPU_FLOPS * seconds / (6 * n)).clamp(max=passes * CORPUS)
        loss = predict(law, sizes, reach(sizes))
        at = int(loss.argmin())
        rows.append({'budget': name, 'passes': passes, 'parameters': sizes[at].item(), 'tokens': reach(sizes)[at].item(), 'loss': loss[at].item(),
                     'shipped': predict(law, shipped, reach(shipped)).item()})
    return rows


def draw(found, law, width=760, height=400):
    """The SVG: loss over compute (6 N D), a line a size, dashed what the law says."""
    left, right, top, bottom = 56, 640, 36, 350
    points = found['points'] + found['long']
    flops = [6 * n * d for n, d, _ in points]
    lo, hi = min(flops) * 0.8, max(flops) * 1.3
    low, high = min(l for *_, l in points) * 0.96, max(l for *_, l in points) * 1.02
    log = lambda v: torch.as_tensor(v, dtype=torch.float64).log()
    x = lambda f: float(left + (right - left) * (log(f) - log(lo)) / (log(hi) - log(lo)))
    y = lambda l: float(bottom - (bottom - top) * (log(l) - log(low)) / (log(high) - log(low)))
    path = lambda pairs: 'M' + ' '.join(f'{x(f):.1f},{y(l):.1f}' for f, l in pairs)
    out = []
    for value in [v / 5 for v in range(1, 40) if low <= v / 5 <= high]:
        out.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y(value):.1f}" y2="{y(value):.1f}"/><text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for power in range(10, 20):
        for factor in (1, 3):
            if lo <= factor * 10.0 ** power <= hi:
                out.append(f'<text x="{x(factor * 10.0 ** power):.1f}" y="{bottom + 18}" text-anchor="middle">{factor}e{power}</text>')
    colours = ['#0969da', '#1a7f37', '#9a6700', '#cf222e']
    sizes = sorted({n for n, *_ in points})
    for n, colour in zip(sizes, colours):
        own = sorted((6 * n * d, l) for m, d, l in found['points'] if m == n)
        tail = sorted((6 * n * d, l) for m, d, l in found['long'] if m == n)
        first, last = own[0][0] / 6 / n, max(own + tail)[0] / 6 / n
        steps = [first * (last / first) ** (i / 40) for i in range(41)]
        out.append(f'<path class="law" stroke="{colour}" d="{path([(6 * n * d, predict(law, float(n), d).item()) for d in steps])}"/>')
        out.append(f'<path stroke="{colour}" d="{path(own)}"/>' + (f'<path stroke="{colour}" d="{path(tail)}"/>' if len(tail) > 1 else ''))
        out += [f'<circle fill="{colour}" cx="{x(f):.1f}" cy="{y(l):.1f}" r="2.5"/>' for f, l in own + tail]
        end = (own + tail)[-1]
        out.append(f'<text x="{x(end[0]) + 8:.1f}" y="{y(end[1]) + 4:.1f}" style="fill:{colour}">{n / 1e6:.1f}M</text>')
    style = ('text{font:12px system-ui,sans-serif;fill:#57606a}.grid{stroke:#d0d7de}path{fill:none;stroke-width:1.75}.law{stroke-dasharray:4 4}.title{font-weight:600;fill:#1f2328}'
             '@media (prefers-color-scheme:dark){text{fill:#9198a1}.title{fill:#f0f6fc}.grid{stroke:#3d444d}}')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">\n'
            f'<title>Held-out bits per byte over training compute, for {len(sizes)} sizes</title>\n<style>{style}</style>\n'
            f'<text class="title" x="{left}" y="20">Held-out bits per byte over compute (6 N D, floating-point operations); dashed: the fitted law</text>\n' + '\n'.join(out) + '\n</svg>\n')


def main():
    """Runs or fits."""
    if sys.argv[1:] == ['run']:
        return run()
    found = measured()
    short = [p for p in found['points'] if p[1] > WARM]
    laws = {'short runs and the long one': short + found['long'], 'short runs alone': short}
    c, g = speed_law(found['speed'])
    result = {'laws': {}, 'tokens/s of one core': {'c': float(f'{c:.4g}'), 'g': round(g, 3)}}
    for name, fitted in laws.items():
        law = laws[name] = fit(fitted)
        values = (law[0].exp(), law[1].exp(), law[2], law[3].exp(), law[4])
        residuals = [predict(law, float(n), float(d)).item() / l - 1 for n, d, l in fitted]
        result['laws'][name] = {**{k: float(f'{v.item():.4g}') for k, v in zip('EAaBb', values)}, 'points': len(fitted),
                                'rms': round((sum(r * r for r in residuals) / len(residuals)) ** 0.5, 4), 'largest': round(max(residuals, key=abs), 4)}
    law = next(iter(laws.values()))
    result |= {'recommended': recommend(law, found['speed']), **found}
    text = json.dumps(result, indent=1)
    (HERE / 'scaling.json').write_text(text + '\n')
    OUT.write_text(draw(found, law))
    print(json.dumps({k: v for k, v in result.items() if k not in ('points', 'long')}, indent=1))


if __name__ == '__main__':
    main()
