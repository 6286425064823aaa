"""The optimiser: Muon for the hidden matrices, AdamW for the embedding and the norms.

Muon: the momentum of a matrix, made nearly orthogonal by five Newton-Schulz steps, is the update.
"""
import torch

MUON_RATE, ADAM_RATE, MOMENTUM, BETAS = 0.02, 0.004, 0.95, (0.9, 0.97)
KIND = {'muon': True}  # set to False to train everything with AdamW, for comparison


def is_muon(name, p):
    """Whether Muon moves this parameter."""
    return KIND['muon'] and p.ndim == 2 and 'embed' not in name


def slots(name, p):
    """The names of the state tensors of a parameter."""
    return ('momentum',) if is_muon(name, p) else ('first', 'second')


def orthogonal(g, steps=5):
    """The matrix with g's singular vectors and singular values near 1, [N, K] → [N, K], in bfloat16."""
    x = g.bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = (x.T if tall else x).contiguous()
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.T if tall else x).float()


def update(name, p, g, state, rate, step):
    """Moves p in place; rate is the schedule's factor, 0 to 1."""
    if is_muon(name, p):
        state['momentum'].lerp_(g, 1 - MOMENTUM)
        direction = orthogonal(g.lerp(state['momentum'], MOMENTUM))
        p.mul_(1 - 0.01 * MUON_RATE * rate).add_(direction, alpha=-MUON_RATE * rate * max(1, p.shape[0] / p.shape[1]) ** 0.5)
        return
    state['first'].lerp_(g, 1 - BETAS[0])
    state['second'].mul_(BETAS[1]).addcmul_(g, g, value=1 - BETAS[1])
    first = state['first'] / (1 - BETAS[0] ** (step + 1))
    second = state['second'] / (1 - BETAS[1] ** (step + 1))
    p.addcdiv_(first, second.sqrt().add_(1e-10), value=-ADAM_RATE * rate)
