"""The decoder: RMSNorm, rotary positions (rotate-half), grouped-query attention, SwiGLU, tied embeddings, no biases.

Module names are Hugging Face's Llama names, so a state dict, the ONNX initializers and the papers agree.
Shapes: B batch, T tokens, D hidden, H heads, K key/value heads, E head dimension, V vocabulary.
"""
import dataclasses, math

import torch
import torch.nn as nn
import torch.nn.functional as F

import fused


@dataclasses.dataclass
class Config:
    """The sizes; the defaults are the shipped model's."""
    vocab: int = 8192
    hidden: int = 256
    layers: int = 6
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    inner: int = 704
    theta: float = 10000.0
    eps: float = 1e-5
    context: int = 1024


# Sizes to choose from, by the number of parameters; the attention head dimension is 64 in all.
SIZES = {'1.6M': Config(hidden=128, layers=3, heads=2, kv_heads=1, inner=352),
         '3.1M': Config(hidden=192, layers=4, heads=3, kv_heads=1, inner=512),
         '6.5M': Config(),
         '16M': Config(hidden=384, layers=8, heads=6, kv_heads=2, inner=1056),
         '34M': Config(hidden=512, layers=12, heads=8, kv_heads=2, inner=1408)}


class RMSNorm(nn.Module):
    """x / rms(x) * weight over the last axis."""

    def __init__(self, size, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(size)), eps

    def forward(self, x):
        """[B, T, D] → [B, T, D]"""
        return fused.Normalize.apply(x.flatten(0, 1), self.weight, self.eps).view(x.shape)


def rotary(length, config):
    """cos and sin, [length, E/2] each."""
    frequency = config.theta ** (-torch.arange(0, config.head_dim, 2).double() / config.head_dim)
    angle = torch.outer(torch.arange(length).double(), frequency)
    return angle.cos().float(), angle.sin().float()


def rotate(x, cos, sin):
    """Rotates the pairs (i, i + E/2) of x [B, heads, T, E] by the angles of cos, sin [T, E/2]."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Attention(nn.Module):
    """Grouped-query attention: H query heads share K key/value heads."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        self.q_proj = nn.Linear(c.hidden, c.heads * c.head_dim, bias=False)
        self.k_proj = nn.Linear(c.hidden, c.kv_heads * c.head_dim, bias=False)
        self.v_proj = nn.Linear(c.hidden, c.kv_heads * c.head_dim, bias=False)
        self.o_proj = nn.Linear(c.heads * c.head_dim, c.hidden, bias=False)

    def forward(self, x, cos, sin):
        """[B, T, D] → [B, T, D]; the query heads of a group follow each other."""
        c, (B, T, _) = self.c, x.shape
        group = c.heads // c.kv_heads
        q, k, v = F.linear(x, torch.cat((self.q_proj.weight, self.k_proj.weight, self.v_proj.weight))).split(
            (c.heads * c.head_dim, c.kv_heads * c.head_dim, c.kv_heads * c.head_dim), -1)
        q = rotate(q.view(B, T, c.heads, c.head_dim).transpose(1, 2), cos, sin)
        k = rotate(k.view(B, T, c.kv_heads, c.head_dim).transpose(1, 2), cos, sin)
        v = v.view(B, T, c.kv_heads, c.head_dim).transpose(1, 2)
        q = (q * (1 / math.sqrt(c.head_dim))).reshape(B * c.kv_heads, group, T, c.head_dim).to(v.dtype)
        k, v = k.reshape(B * c.kv_heads, T, c.head_dim).to(v.dtype), v.reshape(B * c.kv_heads, T, c.head_dim)
        out = fused.Attend.apply(q, k, v).view(B, c.heads, T, c.head_dim).transpose(1, 2)
        return self.o_proj(out.reshape(B, T, -1))


class MLP(nn.Module):
    """SwiGLU: down(silu(gate(x)) * up(x))."""

    def __init__(self, c):
        super().__init__()
        self.gate_proj = nn.Linear(c.hidden, c.inner, bias=False)
        self.up_proj = nn.Linear(c.hidden, c.inner, bias=False)
        self.down_proj = nn.Linear(c.inner, c.hidden, bias=False)

    def forward(self, x):
        """[B, T, D] → [B, T, D]"""
        gate, up = F.linear(x, torch.cat((self.gate_proj.weight, self.up_proj.weight))).chunk(2, -1)
        return self.down_proj(F.silu(gate) * up)


class Layer(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, c):
        super().__init__()
        self.input_layernorm, self.self_attn = RMSNorm(c.hidden, c.eps), Attention(c)
        self.post_attention_layernorm, self.mlp = RMSNorm(c.hidden, c.eps), MLP(c)

    def forward(self, x, cos, sin):
        """[B, T, D] → [B, T, D]"""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    """Embedding, layers, final norm; the output head is the embedding matrix."""

    def __init__(self, c):
        super().__init__()
        self.config = c
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(c.vocab, c.hidden)
        self.model.layers = nn.ModuleList(Layer(c) for _ in range(c.layers))
        self.model.norm = RMSNorm(c.hidden, c.eps)
        nn.init.normal_(self.model.embed_tokens.weight, std=0.03)
        for name, p in self.named_parameters():
            if p.ndim == 2 and 'embed' not in name:
                zero = name.endswith(('o_proj.weight', 'down_proj.weight'))
                nn.init.normal_(p, std=0.0 if zero else 1 / math.sqrt(p.shape[1]))

    def hidden(self, ids):
        """ids [B, T] → final hidden states [B, T, D]"""
        T = ids.shape[1]
        cos, sin = rotary(T, self.config)
        x = self.model.embed_tokens(ids)
        for layer in self.model.layers:
            x = layer(x, cos, sin)
        return self.model.norm(x)

    def forward(self, ids):
        """ids [B, T] → logits [B, T, V]"""
        return F.linear(self.hidden(ids), self.model.embed_tokens.weight)

    def loss(self, ids, targets, importance):
        """Mean negative log-likelihood in nats of targets [B, T]; its gradient counts each target by its importance [B, T]."""
        return fused.HeadLoss.apply(self.hidden(ids).flatten(0, 1), self.model.embed_tokens.weight, targets.flatten(), importance.flatten())
