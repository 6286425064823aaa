"""Trains the model on the CPU: two processes with one thread each, bfloat16 products, Muon and AdamW.

    /usr/bin/python3 train.py --until 10:15      or --minutes 60, or --tokens 40e6 (in all, those of earlier runs counted); goes on from
                                                 work/checkpoint.pt, else from the committed weights, else (or with --fresh) from random ones

The learning rate warms up, stays, and falls to zero over the last part of the run, so training can go on later (--constant: it stays).
Writes log.jsonl and checkpoint.pt into the folder --work. The processes share weights, gradients and optimiser state; each takes the
next small batch when it is free, so another program on one of the cores costs little. A run that is cut in two by --tokens and --constant
ends with the weights of one that was not (with one process to the last bit; see checks.py).
"""
import argparse, datetime, json, os, signal, sys, time
from pathlib import Path

TUNING = {'OPENBLAS_CORETYPE': 'SKYLAKEX', 'OMP_NUM_THREADS': '1', 'OPENBLAS_NUM_THREADS': '1',
          'GLIBC_TUNABLES': 'glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=17179869184:glibc.malloc.top_pad=268435456'}
if __name__ == '__main__' and os.environ.get('GLIBC_TUNABLES') != TUNING['GLIBC_TUNABLES']:
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **TUNING})

import torch
import torch.multiprocessing as mp

import data, optim, tokenise
from export import load_folder
from model import Config, Decoder, SIZES

HERE = Path(__file__).parent
WORK = HERE / 'work'
WARMUP, DECAY = 30, 0.25            # steps; part of the time
LONG = 0.7                          # from this part of the time on, rows are of full length
SHORT_CONTEXT, TOKENS, STEP = 512, 1024, 4096   # row length at first; tokens of a small batch and of a step


class Shared:
    """What both processes see: weights, gradients and optimiser state in shared memory, and a few control numbers."""

    def __init__(self, model, processes):
        self.model = model.share_memory()
        self.parameters = list(model.named_parameters())
        self.gradients = [[torch.zeros_like(p).share_memory_() for _, p in self.parameters] for _ in range(processes)]
        self.state = {n: {k: torch.zeros_like(p).share_memory_() for k in optim.slots(n, p)} for n, p in self.parameters}
        self.average = {n: p.detach().clone().share_memory_() for n, p in self.parameters}
        self.loss = torch.zeros(processes).share_memory_()
        self.next, self.step, self.seed = mp.Value('i', 0), mp.Value('i', 0), mp.Value('i', 0)
        self.rate, self.context, self.running = mp.Value('d', 0.0), mp.Value('i', 0), mp.Value('i', 1)
        self.barrier = mp.Barrier(processes)


def work(rank, shared, corpus):
    """One step's share of process `rank`: small batches until none is left, then its half of the update."""
    context, batches = shared.context.value, STEP // TOKENS
    while True:
        with shared.next.get_lock():
            taken = shared.next.value
            shared.next.value += 1
        if taken >= batches:
            break
        rows = [data.row(corpus, context, f'{shared.seed.value} {shared.step.value} {taken} {i}') for i in range(TOKENS // context)]
        marked = torch.tensor(rows)
        ids = marked % data.MARK
        with torch.autocast('cpu', dtype=torch.bfloat16):
            loss = shared.model.loss(ids[:, :-1], ids[:, 1:], data.importance(marked[:, 1:]))
        (loss / batches).backward()
        shared.loss[rank] += loss.item() / batches
    shared.barrier.wait()
    step, processes = shared.step.value, len(shared.gradients)
    with torch.no_grad():
        for i, (name, p) in enumerate(shared.parameters):
            if i % processes == rank:
                gradient = sum(g[i] for g in shared.gradients)
                optim.update(name, p, gradient, shared.state[name], shared.rate.value, step)
                shared.average[name].lerp_(p, 1 - min(0.99, (1 + step) / (10 + step)))
                for g in shared.gradients:
                    g[i].zero_()
    shared.barrier.wait()


def helper(rank, shared, corpus):
    """The loop of every process but the first."""
    torch.set_num_threads(1)
    for (_, p), g in zip(shared.parameters, shared.gradients[rank]):
        p.grad = g
    while True:
        shared.barrier.wait()
        if not shared.running.value:
            return
        work(rank, shared, corpus)


@torch.no_grad()
def evaluate(model, sample):
    """Bits per byte of each language in the held-out sample, and their mean under 'all'."""
    result = {}
    for language, documents in sample.items():
        nats = size = 0
        for ids, head, count in documents:
            logits = model(torch.tensor([ids[:-1]]))[0].float()
            losses = torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction='none')
            nats, size = nats + losses[head - 1:].sum().item(), size + count
        result[language] = round(nats / 0.6931471805599453 / size, 4)
    return {**result, 'all': round(sum(result.values()) / len(result), 4)}


def start(arguments, folder):
    """(model, saved): from the checkpoint, the committed weights, or random ones; saved is None without a checkpoint."""
    if not arguments.fresh and (folder / 'checkpoint.pt').exists():
        saved = torch.load(folder / 'checkpoint.pt')
        model = Decoder(Config(**saved['config']))
        model.load_state_dict(saved['model'])
        return model, saved
    shipped = HERE.parent / 'glassbox-small'
    if not arguments.fresh and (shipped / 'onnx' / 'model.onnx').exists():
        return load_folder(shipped), None
    torch.manual_seed(1)
    return Decoder(SIZES[arguments.size]), None


def save(shared, totals, path):
    """Writes weights, average, optimiser state and totals, in one move."""
    torch.save({'config': vars(shared.model.config), 'model': shared.model.state_dict(), 'average': shared.average, 'optimiser': shared.state, **totals}, f'{path}.new')
    os.replace(f'{path}.new', path)


def main():
    """Runs until the deadline or the number of tokens."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--minutes', type=float)
    parser.add_argument('--until', help='HH:MM, local time')
    parser.add_argument('--tokens', type=float)
    parser.add_argument('--constant', action='store_true', help='no falling learning rate at the end')
    parser.add_argument('--fresh', action='store_true', help='random weights, whatever there is')
    parser.add_argument('--size', default='6.5M', choices=SIZES, help='of fresh weights')
    parser.add_argument('--seed', type=int, default=1, help='of the order of the text, for fresh weights')
    parser.add_argument('--evaluate', type=lambda text: [float(n) for n in text.split(',')], default=[], help='numbers of tokens after which to evaluate')
    parser.add_argument('--work', type=Path, default=WORK)
    parser.add_argument('--corpus', type=Path, default=WORK / 'corpus.jsonl')
    parser.add_argument('--processes', type=int, default=2)
    arguments = parser.parse_args()
    if not (arguments.minutes or arguments.until or arguments.tokens):
        parser.error('say how long: --minutes, --until or --tokens')
    begin = time.time()
    now = datetime.datetime.now()
    minutes = arguments.minutes
    if arguments.until:
        at = now.replace(hour=int(arguments.until[:2]), minute=int(arguments.until[3:]), second=0)
        minutes = (at - now).total_seconds() / 60 % 1440
    torch.set_num_threads(1)
    model, saved = start(arguments, arguments.work)
    totals = {k: (saved or {}).get(k, 0) for k in ('step', 'tokens', 'seconds')} | {'seed': (saved or {}).get('seed', arguments.seed)}
    shared, tokens = Shared(model, arguments.processes), data.load(tokenise.fresh(arguments.corpus))
    if saved:
        for name, slots in saved['optimiser'].items():
            for k, v in slots.items():
                shared.state[name][k].copy_(v)
            shared.average[name].copy_(saved['average'][name])
    corpus, sample = data.Corpus(tokens, 'train'), data.held_out(tokens)
    shared.seed.value = totals['seed']
    others = [mp.get_context('fork').Process(target=helper, args=(r, shared, corpus), daemon=True) for r in range(1, arguments.processes)]
    for process in others:
        process.start()
    for (_, p), g in zip(shared.parameters, shared.gradients[0]):
        p.grad = g
    judge = Decoder(shared.model.config)
    log = open(arguments.work / 'log.jsonl', 'a')
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))  # kill PID: finish the step, save, end
    print('parameters', sum(p.numel() for _, p in shared.parameters), 'minutes', minutes and round(minutes, 1), 'pid', os.getpid(), flush=True)
    tested, stored, steps, mean, decaying, first = time.time() - 200, time.time(), 0, None, False, totals['tokens']
    while True:
        part = (time.time() - begin) / (minutes * 60) if minutes else (totals['tokens'] - first) / max(1, arguments.tokens - first)
        if part >= 1 or stop:
            break
        shared.rate.value = min(1, (totals['step'] + 1) / WARMUP, 1 if arguments.constant else max(0.01, (1 - part) / DECAY))
        shared.context.value = SHORT_CONTEXT if part < LONG or arguments.constant else shared.model.config.context
        shared.step.value, shared.next.value = totals['step'], 0
        shared.loss.zero_()
        before = time.time()
        shared.barrier.wait()
        work(0, shared, corpus)
        steps, took = steps + 1, time.time() - before
        totals = {**totals, 'step': totals['step'] + 1, 'tokens': totals['tokens'] + STEP, 'seconds': totals['seconds'] + took}
        loss = shared.loss.sum().item()
        mean = loss if mean is None else 0.95 * mean + 0.05 * loss
        line = {**{k: round(v) for k, v in totals.items() if k != 'seed'}, 'loss': round(loss, 4), 'mean': round(mean, 4), 'rate': round(shared.rate.value, 4),
                'context': shared.context.value, 'tokens/s': round(STEP / took)}
        due = arguments.evaluate and totals['tokens'] >= arguments.evaluate[0]
        if due or not arguments.evaluate and time.time() - tested > 300:
            del arguments.evaluate[:1]
            judge.load_state_dict(shared.average)
            with torch.autocast('cpu', dtype=torch.bfloat16):
                line['heldout'] = evaluate(judge, sample)
            tested = time.time()
        if time.time() - stored > 120:
            save(shared, totals, arguments.work / 'checkpoint.pt')
            stored = time.time()
        if part >= 1 - DECAY and not decaying and not arguments.constant:
            save(shared, totals, arguments.work / 'stable.pt')  # the place to go on from later
            decaying = True
        print(json.dumps(line), file=log, flush=True)
        if steps % 10 == 0 or 'heldout' in line:
            print(json.dumps(line), flush=True)
    save(shared, totals, arguments.work / 'checkpoint.pt')
    judge.load_state_dict(shared.average)
    print(json.dumps({**{k: round(v) for k, v in totals.items() if k != 'seed'}, 'mean': mean and round(mean, 4), 'heldout': evaluate(judge, sample)}), file=log, flush=True)
    shared.running.value = 0
    shared.barrier.wait()


if __name__ == '__main__':
    main()
