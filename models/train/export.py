"""Writes the model folder: config, ONNX in fp32 and quantised. The graph is built by hand, node by node.

    /usr/bin/python3 export.py [--checkpoint work/checkpoint.pt] [--out ../glassbox-small]
    /usr/bin/python3 export.py --variants work/variants [--out ../glassbox-small]           every variant of what is in the folder

Inputs  input_ids int64 [batch, seq], attention_mask int64 [batch, total], past_key_values.{i}.key|value [batch, kvHead, past, headDim]
Outputs logits [batch, seq, vocab], present.{i}.key|value [batch, kvHead, total, headDim]
"""
import argparse, json, os
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from model import Config, Decoder, rotary
from quantise import SHIPPED, VARIANTS, pack, quantize

HERE = Path(__file__).parent
EMBEDDING = 'model.embed_tokens.weight'


class Graph:
    """Collects nodes and initializers; the plan (quantise.Plan) says how matrices are stored."""

    def __init__(self, weights, config, plan):
        self.weights, self.c, self.plan, self.nodes, self.initializers = weights, config, plan, [], {}

    def constant(self, name, value):
        """Adds an initializer once; returns its name."""
        self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(self, op, inputs, outputs, name=None, domain='', **attributes):
        """Adds a node; returns its first output."""
        outputs = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name or outputs[0], domain=domain, **attributes))
        return outputs[0]

    def floats(self, weight, bits):
        """A matrix of 32 or 16 bits a number; ONNX Runtime's CPU makes 16 bits 32 when it loads the file."""
        if bits == 32:
            return self.constant(weight, self.weights[weight])
        if weight + '_fp32' not in {node.output[0] for node in self.nodes}:
            self.node('Cast', [self.constant(weight + '_fp16', self.weights[weight].astype(np.float16))], weight + '_fp32', to=TensorProto.FLOAT)
        return weight + '_fp32'

    def quantized(self, weight, scheme):
        """The names of codes [N, blocks, bytes], scales [N, blocks] and, where a block has its own, zero points [N, bytes]."""
        names = [f'{weight}_q{scheme.bits}', weight + '_scales', *[weight + '_zeros'] * scheme.zeros]
        if names[0] not in self.initializers:
            codes, scales, zeros = quantize(self.weights[weight], scheme)
            for name, value in zip(names, (pack(codes, scheme.bits), scales, pack(zeros, scheme.bits))):
                self.constant(name, value)
        return names

    def linear(self, x, weight, out):
        """x [.., K] times weight [N, K] transposed → [.., N]"""
        scheme, (n, k) = self.plan.head if weight == EMBEDDING else self.plan.layers, self.weights[weight].shape
        if scheme.bits > 8:
            return self.node('FusedMatMul', [x, self.floats(weight, scheme.bits)], out, domain='com.microsoft', transB=1)
        return self.node('MatMulNBits', [x, *self.quantized(weight, scheme)], out, domain='com.microsoft', K=k, N=n, bits=scheme.bits, block_size=scheme.block, accuracy_level=scheme.accuracy)

    def embed(self):
        """The rows of input_ids [batch, seq] → [batch, seq, hidden]"""
        head, table = self.plan.head, self.plan.table
        if table is None and head.bits <= 8:  # one table for both ends
            codes, *others = self.quantized(EMBEDDING, head)
            shape = self.constant('embedding_shape', np.array([self.c.vocab, -1], np.int64))
            rows = self.node('Reshape', [codes, shape], EMBEDDING + '_rows')
            return self.node('GatherBlockQuantized', [rows, 'input_ids', *others], 'embedded', domain='com.microsoft', bits=head.bits, block_size=head.block, gather_axis=0, quantize_axis=1)
        if (table or head).bits == 32:
            return self.node('Gather', [self.floats(EMBEDDING, 32), 'input_ids'], 'embedded', axis=0)
        half = self.constant(EMBEDDING + '_fp16', self.weights[EMBEDDING].astype(np.float16))
        return self.node('Cast', [self.node('Gather', [half, 'input_ids'], 'embedded_fp16', axis=0)], 'embedded', to=TensorProto.FLOAT)

    def norm(self, x, weight, out):
        """RMSNorm of x [.., D]"""
        return self.node('SimplifiedLayerNormalization', [x, self.constant(weight, self.weights[weight])], out, axis=-1, epsilon=self.c.eps, stash_type=1)

    def layer(self, i, x):
        """Layer i: [batch, seq, hidden] → the same shape."""
        c, p = self.c, f'model.layers.{i}.'
        h = self.norm(x, p + 'input_layernorm.weight', p + 'input_layernorm')
        q, k, v = (self.linear(h, f'{p}self_attn.{n}_proj.weight', f'{p}self_attn.{n}_proj') for n in 'qkv')
        past, present = ([f'{prefix}.{i}.{kind}' for kind in ('key', 'value')] for prefix in ('past_key_values', 'present'))
        a = self.node('GroupQueryAttention', [q, k, v, *past, 'seqlens_k', 'total_sequence_length', 'cos_cache', 'sin_cache'],
                      [p + 'self_attn', *present], domain='com.microsoft', num_heads=c.heads, kv_num_heads=c.kv_heads, scale=c.head_dim ** -0.5, do_rotary=1)
        x = self.node('Add', [x, self.linear(a, p + 'self_attn.o_proj.weight', p + 'self_attn.o_proj')], p + 'after_attention')
        h = self.norm(x, p + 'post_attention_layernorm.weight', p + 'post_attention_layernorm')
        gate, up = (self.linear(h, f'{p}mlp.{n}_proj.weight', f'{p}mlp.{n}_proj') for n in ('gate', 'up'))
        sigmoid = self.node('Sigmoid', [gate], p + 'mlp.sigmoid')
        inner = self.node('Mul', [self.node('Mul', [gate, sigmoid], p + 'mlp.silu'), up], p + 'mlp.inner')
        return self.node('Add', [x, self.linear(inner, p + 'mlp.down_proj.weight', p + 'mlp.down_proj')], p + 'after_mlp')

    def build(self):
        """The whole model as an onnx.ModelProto."""
        c = self.c
        cos, sin = rotary(c.context * 2, c)
        self.constant('cos_cache', cos.numpy())
        self.constant('sin_cache', sin.numpy())
        self.constant('one', np.array(1, np.int64))
        self.constant('axis_1', np.array([1], np.int64))
        length = self.node('ReduceSum', ['attention_mask', 'axis_1'], 'mask_length', keepdims=0)
        self.node('Cast', [self.node('Sub', [length, 'one'], 'last_position')], 'seqlens_k', to=TensorProto.INT32)
        total = self.node('Gather', [self.node('Shape', ['attention_mask'], 'mask_shape'), 'one'], 'mask_total', axis=0)
        self.node('Cast', [total], 'total_sequence_length', to=TensorProto.INT32)
        x = self.embed()
        for i in range(c.layers):
            x = self.layer(i, x)
        self.linear(self.norm(x, 'model.norm.weight', 'model.norm'), EMBEDDING, 'logits')
        cache = lambda prefix, axis: [helper.make_tensor_value_info(f'{prefix}.{i}.{kind}', TensorProto.FLOAT, ['batch_size', c.kv_heads, axis, c.head_dim])
                                      for i in range(c.layers) for kind in ('key', 'value')]
        inputs = [helper.make_tensor_value_info('input_ids', TensorProto.INT64, ['batch_size', 'sequence_length']),
                  helper.make_tensor_value_info('attention_mask', TensorProto.INT64, ['batch_size', 'total_sequence_length'])] + cache('past_key_values', 'past_sequence_length')
        outputs = [helper.make_tensor_value_info('logits', TensorProto.FLOAT, ['batch_size', 'sequence_length', c.vocab])] + cache('present', 'total_sequence_length')
        graph = helper.make_graph(self.nodes, 'glassbox-small', inputs, outputs, list(self.initializers.values()))
        model = helper.make_model(graph, producer_name='glassbox', opset_imports=[helper.make_opsetid('', 17), helper.make_opsetid('com.microsoft', 1)])
        model.ir_version = 8
        return model


def configs(c):
    """The contents of config.json and generation_config.json."""
    ids = {'bos_token_id': 0, 'eos_token_id': 0, 'pad_token_id': 4}
    config = {'architectures': ['LlamaForCausalLM'], 'model_type': 'llama', 'vocab_size': c.vocab, 'hidden_size': c.hidden, 'intermediate_size': c.inner,
              'num_hidden_layers': c.layers, 'num_attention_heads': c.heads, 'num_key_value_heads': c.kv_heads, 'head_dim': c.head_dim,
              'max_position_embeddings': c.context, 'rope_theta': c.theta, 'rms_norm_eps': c.eps, 'hidden_act': 'silu', 'tie_word_embeddings': True,
              'attention_bias': False, 'mlp_bias': False, 'torch_dtype': 'float32', 'use_cache': True, **ids}
    return config, {'_from_model_config': True, 'max_new_tokens': 64, 'do_sample': False, **ids}


def read_folder(folder):
    """(Config, weights by name) of an exported folder: config.json and the initializers of onnx/model.onnx."""
    j = json.loads(Path(folder, 'config.json').read_text())
    c = Config(j['vocab_size'], j['hidden_size'], j['num_hidden_layers'], j['num_attention_heads'], j['num_key_value_heads'], j['head_dim'],
               j['intermediate_size'], j['rope_theta'], j['rms_norm_eps'], j['max_position_embeddings'])
    return c, {t.name: numpy_helper.to_array(t) for t in onnx.load(str(Path(folder, 'onnx', 'model.onnx'))).graph.initializer}


def load_folder(folder):
    """The PyTorch model of an exported folder."""
    c, found = read_folder(folder)
    model = Decoder(c)
    model.load_state_dict({name: torch.from_numpy(found[name].copy()) for name in model.state_dict()})
    return model


def save(model, path):
    """Writes an onnx.ModelProto; a reader sees the old file or the whole new one."""
    onnx.save(model, str(path) + '.new')
    os.replace(str(path) + '.new', path)
    print(Path(path).name, model.ByteSize(), 'bytes')


def main():
    """Exports a checkpoint, or random weights where there is none yet (--random)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--checkpoint', default=str(HERE / 'work' / 'checkpoint.pt'))
    parser.add_argument('--out', default=str(HERE.parent / 'glassbox-small'))
    parser.add_argument('--variants', help='a folder: export nothing, write every variant of quantise.py there')
    parser.add_argument('--random', action='store_true', help='untrained weights, to build the engine against')
    arguments = parser.parse_args()
    if arguments.variants:
        c, weights = read_folder(arguments.out)
        Path(arguments.variants).mkdir(parents=True, exist_ok=True)
        for name, plan in VARIANTS.items():
            save(Graph(weights, c, plan).build(), Path(arguments.variants, name + '.onnx'))
        return
    if arguments.random:
        torch.manual_seed(0)
        model = Decoder(Config())
        for p in model.parameters():
            if p.ndim == 2 and not p.any():
                torch.nn.init.normal_(p, std=0.02)
        state, c = model.state_dict(), Config()
    else:
        saved = torch.load(arguments.checkpoint, map_location='cpu')
        state, c = saved.get('average') or saved['model'], Config(**saved['config'])
    weights = {name: value.float().numpy() for name, value in state.items()}
    out = Path(arguments.out)
    (out / 'onnx').mkdir(parents=True, exist_ok=True)
    for plan, name in (('fp32', 'model.onnx'), (SHIPPED, 'model_quantized.onnx')):
        save(Graph(weights, c, VARIANTS[plan]).build(), out / 'onnx' / name)
    config, generation = configs(c)
    (out / 'config.json').write_text(json.dumps(config, indent=2) + '\n')
    (out / 'generation_config.json').write_text(json.dumps(generation, indent=2) + '\n')


if __name__ == '__main__':
    main()
