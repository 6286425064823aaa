"""Operations with hand-written gradients: fewer passes over memory than autograd's. RMSNorm, attention, head and loss."""
import torch


class Normalize(torch.autograd.Function):
    """RMSNorm with a hand-written gradient: fewer passes over memory than autograd's, and the weight's as a matrix product."""

    @staticmethod
    def forward(ctx, x, weight, eps):
        """x [N, D], weight [D] → [N, D], bfloat16 under autocast"""
        inverse = torch.rsqrt(torch.linalg.vecdot(x, x).unsqueeze(-1) / x.shape[-1] + eps)
        unit = x * inverse
        ctx.save_for_backward(unit, inverse, weight)
        out = unit * weight
        return out.bfloat16() if torch.is_autocast_cpu_enabled() else out

    @staticmethod
    def backward(ctx, gradient):
        """gradient [N, D] → those of x and weight"""
        unit, inverse, weight = ctx.saved_tensors
        gradient = gradient.float()
        weighted = gradient * unit
        mean = (weighted @ weight).unsqueeze(-1) / unit.shape[-1]
        return (gradient * weight).addcmul_(unit, mean, value=-1).mul_(inverse), torch.ones(1, len(unit)).mm(weighted).view(-1), None


class Attend(torch.autograd.Function):
    """Causal softmax attention in slices of queries, so that keys after the slice are never touched; with its own gradient."""
    ROWS = 256

    @staticmethod
    def forward(ctx, q, k, v):
        """q [N, G, T, E], already scaled; k, v [N, T, E], shared by the G heads of a group → [N, G, T, E]"""
        (N, G, T, E), out, kept = q.shape, torch.empty_like(q), []
        mask = torch.full((T, T), float('-inf'), dtype=q.dtype).triu(1)
        for a in range(0, T, Attend.ROWS):
            b = min(a + Attend.ROWS, T)
            scores = torch.bmm(q[:, :, a:b].reshape(N, -1, E), k[:, :b].transpose(1, 2)).view(N, G, b - a, b)
            scores[..., a:] += mask[a:b, a:b]
            kept.append(scores.softmax(-1).view(N, -1, b))
            out[:, :, a:b] = torch.bmm(kept[-1], v[:, :b]).view(N, G, b - a, E)
        ctx.save_for_backward(q, k, v, *kept)
        return out

    @staticmethod
    def backward(ctx, gradient):
        """gradient [N, G, T, E] → those of q, k and v"""
        q, k, v, *kept = ctx.saved_tensors
        (N, G, T, E), of_q, of_k, of_v = q.shape, torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for a, weights in zip(range(0, T, Attend.ROWS), kept):
            b = min(a + Attend.ROWS, T)
            part = gradient[:, :, a:b].reshape(N, -1, E)
            of_v[:, :b] += torch.bmm(weights.transpose(1, 2), part)
            scores = torch._softmax_backward_data(torch.bmm(part, v[:, :b].transpose(1, 2)), weights, -1, weights.dtype)
            of_q[:, :, a:b] = torch.bmm(scores, k[:, :b]).view(N, G, b - a, E)
            of_k[:, :b] += torch.bmm(scores.transpose(1, 2), q[:, :, a:b].reshape(N, -1, E))
        return of_q, of_k, of_v


class HeadLoss(torch.autograd.Function):
    """The output head and its negative log-likelihood: slices of rows that fit the cache, gradient on the way.

    The value is the plain mean, so curves can be compared; the gradient is that of the weighted mean.
    """
    ROWS = 128

    @staticmethod
    def forward(ctx, x, weight, targets, importance):
        """x [N, D], weight [V, D], targets [N], importance [N] of each target → a number, nats"""
        w, total, importance = weight.to(x.dtype), 0, (importance / importance.sum())[:, None]
        gradient = torch.empty(len(x), len(w), dtype=x.dtype)
        for a in range(0, len(x), HeadLoss.ROWS):
            rows = slice(a, a + HeadLoss.ROWS)
            wanted = targets[rows, None]
            share = (x[rows] @ w.T).float().softmax(-1)
            picked = share.gather(1, wanted)
            total = total - picked.clamp_min(1e-30).log().sum()
            gradient[rows] = share.scatter_(1, wanted, picked - 1).mul_(importance[rows])
        ctx.save_for_backward(x, w, gradient)
        return total / len(x)

    @staticmethod
    def backward(ctx, scale):
        """scale, a number → gradients of x and weight"""
        x, w, gradient = ctx.saved_tensors
        return (gradient @ w).mul_(scale), (gradient.T @ x).float().mul_(scale), None, None
