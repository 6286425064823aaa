"""Trains on one GPU (or, to try it, on the CPU); needs python3, torch and numpy, and data.Corpus's tokens, nothing else. See carry.sh and gpu.sh.

    python3 train_gpu.py --size 34M --minutes 22     goes on from run/checkpoint.pt, where there is one, as if it had not been cut

The learning rate warms up, stays, and falls to zero over the last part (--fall) of the time or of the --tokens, whichever ends first; the minutes count from
the start of the program, those of earlier runs included. Writes into the folder --work: log.jsonl; checkpoint.pt (all, for going on; train.py's format);
parts/, the averaged weights (see parts.py): every few minutes, at half time, at the end and when it is told to stop (SIGTERM).
A batch is larger than train.py's, so it takes fewer steps. Assumed, not measured: the rates of optim.py need no change with it, for Muon's update has a fixed
size and 0.02 is also what others use at half a million tokens a step; --rate multiplies both. The text is small for a GPU: watch the held-out curve; where it
rises, train on fewer --tokens or with more --decay.
"""
import argparse, itertools, json, math, multiprocessing, os, queue, signal, time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import data, optim, parts
from model import SIZES, Config, Decoder, rotary, rotate

HERE = Path(__file__).parent
CHUNK = 16384  # targets whose logits are made at once
PEAKS = {'H100': 989e12, 'H200': 989e12, 'A100': 312e12, 'L40S': 362e12, 'L4': 121e12, '4090': 165e12}  # dense bfloat16 operations a second, by the data sheets
PARTS = ('input_layernorm', 'self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj', 'self_attn.o_proj', 'post_attention_layernorm',
         'mlp.gate_proj', 'mlp.up_proj', 'mlp.down_proj')


def norm(x, weight, eps):
    """RMSNorm of x [.., D], in float32."""
    x = x.float()
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def attend(q, k, v):
    """Causal attention, [B, H, T, E] each → [B, H, T, E]"""
    if hasattr(F, 'scaled_dot_product_attention'):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    T = q.shape[2]                                      # PyTorch before 2.0
    return (q @ k.transpose(2, 3) / math.sqrt(q.shape[3]) + torch.full((T, T), float('-inf'), dtype=q.dtype).triu(1)).softmax(-1) @ v


def layer(x, cos, sin, eps, first, q, k, v, o, second, gate, up, down):
    """One layer of model.Decoder as a function of its weights (in the order of PARTS), x [B, T, D] → [B, T, D]; one compiled function serves all layers."""
    (B, T, _), E = x.shape, 2 * cos.shape[1]
    group = len(q) // len(k)
    queries, keys, values = (t.view(B, T, -1, E).transpose(1, 2) for t in F.linear(norm(x, first, eps), torch.cat((q, k, v))).split((len(q), len(k), len(v)), -1))
    queries, keys = rotate(queries, cos, sin).to(values.dtype), rotate(keys, cos, sin).to(values.dtype)
    out = attend(queries, keys.repeat_interleave(group, 1), values.repeat_interleave(group, 1))
    x = x + F.linear(out.transpose(1, 2).reshape(B, T, -1), o)
    gates, ups = F.linear(norm(x, second, eps), torch.cat((gate, up))).chunk(2, -1)
    return x + F.linear(F.silu(gates) * ups, down)


def head(x, eps, last, embedding, targets, importance):
    """Hidden states [N, D] of all layers → the sums over targets [N] of the losses times their importance [N], and of the plain losses; nats."""
    weighted = plain = 0
    for a in range(0, len(x), CHUNK):
        rows = slice(a, a + CHUNK)
        losses = F.cross_entropy(F.linear(norm(x[rows], last, eps), embedding).float(), targets[rows], reduction='none')
        weighted, plain = weighted + (losses * importance[rows]).sum(), plain + losses.detach().sum()
    return weighted, plain


class Network:
    """model.Decoder's function of weights {name: tensor}, for a GPU."""

    def __init__(self, config, device):
        self.c, self.layer, self.head = config, layer, head
        self.cos, self.sin = (t.to(device) for t in rotary(config.context, config))

    def compile(self):
        """Uses compiled functions from now on."""
        self.layer, self.head = torch.compile(layer, dynamic=False), torch.compile(head, dynamic=False)

    def hidden(self, weights, ids, apply=layer):
        """ids [B, T] → hidden states [B, T, D] before the final norm"""
        x, T = F.embedding(ids, weights['model.embed_tokens.weight']), ids.shape[1]
        for i in range(self.c.layers):
            x = apply(x, self.cos[:T], self.sin[:T], self.c.eps, *(weights[f'model.layers.{i}.{name}.weight'] for name in PARTS))
        return x

    def logits(self, weights, ids):
        """ids [B, T] → logits [B, T, V]"""
        return F.linear(norm(self.hidden(weights, ids), weights['model.norm.weight'], self.c.eps), weights['model.embed_tokens.weight'])

    def loss(self, weights, marked):
        """Marked ids [B, T + 1] → (the weighted mean of the losses, to go down; the plain mean, for the curve)."""
        ids, importance = marked % data.MARK, data.importance(marked[:, 1:]).flatten()
        x = self.hidden(weights, ids[:, :-1], self.layer).flatten(0, 1)
        weighted, plain = self.head(x, self.c.eps, weights['model.norm.weight'], weights['model.embed_tokens.weight'], ids[:, 1:].flatten(), importance)
        return weighted / importance.sum(), plain / len(importance)

    @torch.no_grad()
    def evaluate(self, weights, sample):
        """Bits per byte of each language in the held-out sample, and their mean under 'all', as train.evaluate."""
        result = {}
        for language, documents in sample.items():
            ids = torch.zeros(len(documents), max(len(d[0]) for d in documents), dtype=torch.long)
            counts = torch.zeros(ids.shape)
            for i, (tokens, start, _) in enumerate(documents):
                ids[i, :len(tokens)], counts[i, start:len(tokens)] = torch.tensor(tokens), 1
            ids, counts = ids.to(self.cos.device), counts.to(self.cos.device)
            losses = F.cross_entropy(self.logits(weights, ids[:, :-1]).float().flatten(0, 1), ids[:, 1:].flatten(), reduction='none')
            result[language] = round((losses * counts[:, 1:].flatten()).sum().item() / math.log(2) / sum(size for *_, size in documents), 4)
        return {**result, 'all': round(sum(result.values()) / len(result), 4)}


def orthogonal(g, steps=5):
    """optim.orthogonal of many matrices at once, [n, N, K] → [n, N, K]"""
    x = g.bfloat16()
    tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if tall else x
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(steps):
        a = torch.bmm(x, x.transpose(1, 2))
        x = 3.4445 * x + torch.bmm(-4.7750 * a + 2.0315 * torch.bmm(a, a), x)
    return (x.transpose(1, 2) if tall else x).float()


class Optimiser:
    """Muon and AdamW as in optim.py; matrices of one shape move together. `state` is by name, as in train.py's checkpoints."""

    def __init__(self, weights, decay):
        self.weights, self.decay, self.groups, self.state = weights, decay, {}, {}
        for name, p in weights.items():
            if optim.is_muon(name, p):
                self.groups.setdefault(p.shape, []).append(name)
            else:
                self.state[name] = {slot: torch.zeros_like(p) for slot in optim.slots(name, p)}
        self.momentum = {shape: torch.zeros(len(names), *shape, device=weights[names[0]].device) for shape, names in self.groups.items()}
        self.state.update({name: {'momentum': self.momentum[shape][i]} for shape, names in self.groups.items() for i, name in enumerate(names)})  # views

    @torch.no_grad()
    def step(self, rate, step):
        """Moves the weights by their gradients; rate is the schedule's factor."""
        for shape, names in self.groups.items():
            p, g, speed = [self.weights[n] for n in names], torch.stack([self.weights[n].grad for n in names]), optim.MUON_RATE * rate
            self.momentum[shape].lerp_(g, 1 - optim.MOMENTUM)
            direction = orthogonal(g.lerp_(self.momentum[shape], optim.MOMENTUM)).mul_(max(1, shape[0] / shape[1]) ** 0.5)
            torch._foreach_mul_(p, 1 - self.decay * speed)
            torch._foreach_add_(p, list(direction.unbind()), alpha=-speed)
        for name, slots in self.state.items():
            if 'first' in slots:
                optim.update(name, self.weights[name], self.weights[name].grad, slots, rate, step)


def build(rank, out, arrays, rows, context, micros, seed, first, workers, parent):
    """A worker: every workers-th small batch from number `first` + rank on, into its queue, for ever. Row i of step s is a function of the seed, s and i."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)       # the trainer ends its workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    corpus = data.Corpus(arrays, 'train')
    for n in itertools.count(first + rank, workers):
        batch = np.array([data.row(corpus, context, f'{seed} {n // micros} {n % micros * rows + i}') for i in range(rows)], np.int32)
        while True:
            try:
                out.put(batch, timeout=5)
                break
            except queue.Full:
                if os.getppid() != parent:
                    return


class Feed:
    """Small batches in order, made ahead by worker processes; start it before the GPU is touched."""

    def __init__(self, workers, *arguments):
        fork = multiprocessing.get_context('fork')
        self.queues, self.taken, self.waited = [fork.Queue(4) for _ in range(workers)], 0, 0.0
        self.processes = [fork.Process(target=build, args=(r, out, *arguments, workers, os.getpid()), daemon=True) for r, out in enumerate(self.queues)]
        for process in self.processes:
            process.start()

    def next(self):
        """The next small batch, int32 [rows, context + 1]."""
        before, self.taken = time.time(), self.taken + 1
        batch = self.queues[(self.taken - 1) % len(self.queues)].get(timeout=300)
        self.waited += time.time() - before
        return torch.from_numpy(batch)

    def end(self):
        """Ends the workers."""
        for process in self.processes:
            process.kill()


def load(arguments):
    """(configuration, weights on the CPU, the whole checkpoint to go on from or None, tokens seen before): the run's own checkpoint, --from, or random weights."""
    path = arguments.work / 'checkpoint.pt'
    if path.exists():
        saved = torch.load(path, map_location='cpu')
        return Config(**saved['config']), saved['model'], saved, 0
    if arguments.start and arguments.start.is_dir():
        weights, manifest = parts.read(arguments.start)
        return Config(**manifest['config']), {n: torch.from_numpy(w) for n, w in weights.items()}, None, manifest.get('tokens', 0)
    if arguments.start:
        saved = torch.load(arguments.start, map_location='cpu')
        return Config(**saved['config']), {n: w.float() for n, w in (saved.get('average') or saved['model']).items()}, None, saved.get('tokens', 0)
    torch.manual_seed(1)
    return SIZES[arguments.size], Decoder(SIZES[arguments.size]).state_dict(), None, 0


def main():
    """Runs until the minutes or the tokens are used up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--size', default='34M', choices=SIZES, help='of random weights')
    parser.add_argument('--from', dest='start', type=Path, help='weights to start from: a checkpoint of train.py, or a folder of parts.py; its size counts')
    parser.add_argument('--minutes', type=float, default=20)
    parser.add_argument('--tokens', type=float, default=math.inf, help='of this training')
    parser.add_argument('--batch', type=int, default=1 << 18, help='tokens of a step')
    parser.add_argument('--micro', type=int, default=64, help='rows that go through the model at once')
    parser.add_argument('--rate', type=float, default=1.0, help='factor on the learning rates of optim.py')
    parser.add_argument('--decay', type=float, default=0.01, help='of the matrices, times the learning rate')
    parser.add_argument('--warmup', type=int, default=100, help='steps')
    parser.add_argument('--fall', type=float, default=0.25, help='part of the time in which the rate falls')
    parser.add_argument('--constant', action='store_true', help='it does not fall')
    parser.add_argument('--average', type=float, default=0.99, help='of the averaged weights, what stays at each step')
    parser.add_argument('--evaluate', type=float, default=90, help='seconds between measurements of the held-out sample')
    parser.add_argument('--every', type=float, default=240, help='seconds between saves')
    parser.add_argument('--seed', type=int, default=1, help='of the order of the text')
    parser.add_argument('--workers', type=int, default=max(1, min(8, (os.cpu_count() or 1) - 2)))
    parser.add_argument('--device', default='cuda')
    parser.add_argument('--eager', action='store_true', help='without torch.compile')
    parser.add_argument('--peak', type=float, help='operations a second of the device, for the share that is used (mfu)')
    parser.add_argument('--data', type=Path, default=HERE / 'tokens.npz.xz')
    parser.add_argument('--work', type=Path, default=HERE / 'run')
    arguments = parser.parse_args()
    begin = time.time()
    arguments.work.mkdir(parents=True, exist_ok=True)
    arrays = data.load(arguments.data)
    sample = data.held_out(arrays)
    config, weights, saved, before = load(arguments)
    totals = {k: saved[k] for k in ('step', 'tokens', 'seconds', 'seed', 'first')} if saved else {
        'step': 0, 'tokens': before, 'seconds': 0.0, 'seed': arguments.seed, 'first': before}
    earlier, context = totals['seconds'], config.context
    rows = min(arguments.micro, max(1, arguments.batch // context))
    micros = max(1, arguments.batch // context // rows)
    batch = rows * micros * context
    feed = Feed(arguments.workers, arrays, rows, context, micros, totals['seed'], totals['step'] * micros)
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    log = open(arguments.work / 'log.jsonl', 'a')
    try:
        device = torch.device(arguments.device)
        torch.set_float32_matmul_precision('high')
        weights = {name: value.to(device).requires_grad_() for name, value in weights.items()}
        average = {name: (saved['average'][name].to(device) if saved else p.detach().clone()) for name, p in weights.items()}
        optimiser, network = Optimiser(weights, arguments.decay), Network(config, device)
        for name, slots in (saved or {'optimiser': {}})['optimiser'].items():
            for slot, value in slots.items():
                optimiser.state[name][slot].copy_(value)
        saved = None
        parameters = sum(p.numel() for p in weights.values())
        operations = 6 * parameters + 6 * config.layers * config.heads * config.head_dim * context  # a token, forward and backward; of the attention the causal half
        name = torch.cuda.get_device_name() if device.type == 'cuda' else 'CPU'
        peak = arguments.peak or next((v for k, v in PEAKS.items() if k in name), None)
        print(json.dumps({'device': name, 'torch': torch.__version__, 'parameters': parameters, 'batch': batch, 'micro': rows, 'workers': arguments.workers,
                          'pid': os.getpid(), **{k: totals[k] for k in ('step', 'tokens', 'seed')}}), flush=True)

        def learn(marked):
            """Adds the gradients of a small batch, a part of the step; its plain loss."""
            with torch.autocast(device.type, dtype=torch.bfloat16):
                weighted, plain = network.loss(weights, marked.to(device, non_blocking=True).long())
            (weighted / micros).backward()
            return plain / micros

        def measure():
            """The held-out bits per byte of the averaged weights."""
            with torch.autocast(device.type, dtype=torch.bfloat16):
                return network.evaluate(average, sample)

        def save():
            """Writes the parts, then the checkpoint; the log is on the disk already."""
            started = time.time()
            facts = {'config': vars(config), **{k: totals[k] for k in ('step', 'tokens')}, 'heldout': held}
            bits, length = parts.write(arguments.work / 'parts', {n: v.cpu().numpy() for n, v in average.items()}, facts)
            path = arguments.work / 'checkpoint.pt'
            here = lambda tensors: {name: value.detach().cpu() for name, value in tensors.items()}
            torch.save({'config': vars(config), 'model': here(weights), 'average': here(average), 'optimiser': {n: here(slots) for n, slots in optimiser.state.items()},
                        **totals, 'seconds': earlier + time.time() - begin}, f'{path}.new')
            os.replace(f'{path}.new', path)
            print(f'saved: step {totals["step"]}, {length} bytes of parts, {bits} bits a weight, {time.time() - started:.1f} s', flush=True)

        if not arguments.eager and hasattr(torch, 'compile'):
            try:
                network.compile()
                learn(torch.zeros(rows, context + 1, dtype=torch.int32))
            except Exception as error:                  # whatever the compiler lacks here: go on without it
                print('without torch.compile:', repr(error)[:600], flush=True)
                network = Network(config, device)
            for p in weights.values():
                p.grad = None
            print(f'ready after {time.time() - begin:.0f} s', flush=True)
        tested, stored, logged, done, waited = time.time() - arguments.evaluate + 20, time.time(), time.time(), 0, 0.0
        mean, half, held = None, False, None
        while True:
            totals['seconds'] = earlier + time.time() - begin
            part = max(totals['seconds'] / 60 / arguments.minutes, (totals['tokens'] - totals['first']) / arguments.tokens)
            if part >= 1 or stop:
                break
            rate = min(1, (totals['step'] + 1) / arguments.warmup, 1 if arguments.constant else (1 - part) / arguments.fall)
            loss = 0
            for _ in range(micros):
                loss = loss + learn(feed.next())
            optimiser.step(rate * arguments.rate, totals['step'])
            with torch.no_grad():
                for n, p in weights.items():
                    average[n].lerp_(p, 1 - min(arguments.average, (1 + totals['step']) / (10 + totals['step'])))
                    p.grad = None
            loss, done = float(loss), done + 1          # waits for the device
            totals.update(step=totals['step'] + 1, tokens=totals['tokens'] + batch)
            mean = loss if mean is None else 0.95 * mean + 0.05 * loss
            now = time.time()
            due = now - tested > arguments.evaluate
            if now - logged > 1 or due:
                speed = done * batch / (now - logged) if done else 0
                line = {'step': totals['step'], 'tokens': totals['tokens'], 'seconds': round(earlier + now - begin), 'loss': round(loss, 4),
                        'mean': round(mean, 4), 'rate': round(rate, 4), 'context': context, 'tokens/s': round(speed),
                        'waited': round((feed.waited - waited) / (now - logged), 3), **({'mfu': round(speed * operations / peak, 4)} if peak else {})}
                if due:
                    held = line['heldout'] = measure()
                    tested = time.time()
                print(json.dumps(line), file=log, flush=True)
                print(json.dumps(line), flush=True)
                logged, done, waited = time.time(), 0, feed.waited
            if now - stored > arguments.every or part >= 0.5 and not half:
                save()
                stored, half, logged, done, waited = time.time(), half or part >= 0.5, time.time(), 0, feed.waited
        held = measure()
        line = {**{k: round(totals[k]) for k in ('step', 'tokens', 'seconds')}, 'mean': mean and round(mean, 4), 'heldout': held}
        print(json.dumps(line), file=log, flush=True)
        print(json.dumps(line), flush=True)
        save()
    finally:
        feed.end()


if __name__ == '__main__':
    main()
