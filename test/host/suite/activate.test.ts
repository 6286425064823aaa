// The extension is there, and starts by itself.
import assert from 'node:assert/strict';
import { extensions } from 'vscode';
import type { HostTest } from './hostTest';

export const tests: HostTest[] = [
  {
    name: 'the extension activates',
    async run() {
      const extension = extensions.getExtension('glassbox.glassbox');
      assert.ok(extension, 'glassbox.glassbox is not installed');
      await extension.activate();
      assert.ok(extension.isActive);
    },
  },
];
