// The machine that Glassbox runs on, in facts and in words. Knows no `vscode`: who asks says whether the window is a remote one.

import { cpus, totalmem } from 'node:os';
import { t } from '../../l10n';
import { adapters } from '../../machine/adapters';
import { limits, usableCores } from '../../machine/containers';
import { power } from '../../machine/power';

export interface MachineFacts {
  /** The processor's name for itself. */
  cpu: string;
  /** Logical cores of the machine, and how many of them may be used here. */
  logicalCores: number;
  cores: number;
  /** Bytes of the machine's memory, and what of it may be used here. */
  totalMemory: number;
  memory: number;
  /** Graphics adapters, where the system tells of them without a driver (Linux). */
  adapters: string[];
  /** Undefined where the system does not say. */
  onBattery: boolean | undefined;
}

/** The facts as they are now. */
export function machineFacts(): MachineFacts {
  const found = limits();
  const processors = cpus();
  const totalMemory = totalmem();
  return {
    cpu: processors[0]?.model.trim() ?? '',
    logicalCores: processors.length,
    cores: usableCores(undefined, found),
    totalMemory,
    memory: Math.min(totalMemory, found.memory ?? Infinity),
    adapters: adapters(),
    onBattery: power()?.onBattery,
  };
}

/** What the caches may hold, in MB: no more than an eighth of the memory that may be used here, whatever is set. */
export function cacheThatFits(megabytes: number, { memory }: Pick<MachineFacts, 'memory'> = machineFacts()): number {
  return Math.min(megabytes, Math.floor(memory / 8 / 2 ** 20));
}

/** Where the window's files are, if not on the machine that Glassbox runs on, or where it runs, if not on the user's. */
export interface Remote {
  /** As VS Code names the kind of the other machine: ssh-remote, dev-container, wsl. */
  name: string;
  /** Glassbox runs on the user's side of it. */
  here: boolean;
}

/** The machine in sentences, one for each thing worth knowing. @param language BCP 47 tag of the reader's language */
export function machineWords(facts: MachineFacts, remote: Remote | undefined, language: string): string[] {
  const { cpu, logicalCores, cores, totalMemory, memory, onBattery } = facts;
  const gigabytes = (bytes: number): string => (bytes / 2 ** 30).toLocaleString(language, { maximumFractionDigits: 1 });
  const words = [t('{0}: {1} logical cores, {2} GB of memory.', cpu, logicalCores, gigabytes(totalMemory))];
  if (cores < logicalCores) words.push(t('No more than {0} cores may be used here, as in a container.', cores));
  if (memory < totalMemory)
    words.push(t('No more than {0} GB of memory may be used here, as in a container.', gigabytes(memory)));
  if (onBattery === true)
    words.push(t('It runs on its battery, which makes most machines slower: measure again when it is plugged in.'));
  if (remote !== undefined)
    words.push(
      remote.here
        ? t('Glassbox runs on this computer, not on the other side of the remote window ({0}).', remote.name)
        : t('Glassbox runs on the other side of the remote window ({0}), and that side was measured.', remote.name),
    );
  return words;
}
