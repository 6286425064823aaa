// The training recipe's own checks, where its PyTorch is installed.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const torch = spawnSync('/usr/bin/python3', ['-c', 'import torch, numpy, regex, onnx']).status === 0;

test(
  'the recipe passes its checks',
  { skip: torch ? false : 'needs PyTorch: apt-get install python3-torch python3-numpy python3-regex python3-onnx' },
  () => {
    const ran = spawnSync('/usr/bin/python3', ['models/train/checks.py'], { encoding: 'utf8' });
    assert.equal(ran.status, 0, ran.stdout + ran.stderr);
    assert.ok((ran.stdout.match(/^ok /gm) ?? []).length >= 5, ran.stdout);
  },
);
