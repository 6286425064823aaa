// Which devices the machine may have for a model. What can be told without touching a driver: drivers take time, and crash.

import { readdirSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { adapters } from '../machine/adapters';
import type { ModelFolder } from './modelFolder';
import { runtimeVersion, supportedDevices } from './session';

/** What a person may ask for. */
export const DEVICES = ['auto', 'cpu', 'webgpu', 'cuda', 'dml', 'coreml'];

/** Models with less than this many bytes of weights take the CPU a few milliseconds a token; starting a GPU's kernels takes as long. */
const LEAST_BYTES = 64 * 2 ** 20;
/** Drivers that draw with the CPU. */
const SOFTWARE = /swiftshader|llvmpipe|lvp_icd|lavapipe/i;

/** What a measured choice depends on besides the model. */
export interface Machine {
  platform: string;
  arch: string;
  cpu: string;
  /** Devices that the runtime was built for. */
  devices: string[];
  runtime: string;
  /** Names of graphics adapters, where the system tells without a driver (Linux); PCI ids as vendor:device. */
  adapters: string[];
}

/** The machine we run on. */
export function thisMachine(): Machine {
  return {
    platform: process.platform,
    arch: process.arch,
    cpu: cpus()[0]?.model ?? '',
    devices: supportedDevices(),
    runtime: runtimeVersion(),
    adapters: adapters(),
  };
}

/**
 * The devices worth a trial: WebGPU, and DirectML on Windows; the others only when they are asked for by name.
 * @param env the environment, which may name a software driver
 */
export function candidates({ platform, devices, adapters }: Machine, env: NodeJS.ProcessEnv = process.env): string[] {
  if (SOFTWARE.test(`${env['VK_DRIVER_FILES'] ?? ''} ${env['VK_ICD_FILENAMES'] ?? ''}`)) return [];
  // On Linux the Vulkan loader may be missing, and says so on stderr: it is not asked where there is no adapter.
  if (platform === 'linux' && adapters.length === 0) return [];
  return (platform === 'win32' ? ['webgpu', 'dml'] : ['webgpu']).filter((device) => devices.includes(device));
}

/** Whether a GPU could be faster for a model of this size. */
export function largeEnough(folder: ModelFolder): boolean {
  return weightsStamp(folder).bytes >= LEAST_BYTES;
}

/** What tells one version of a model's weights from another. */
export interface WeightsStamp {
  file: string;
  /** Of the ONNX file and of what lies beside it under its name. */
  bytes: number;
  /** The latest change, in milliseconds. */
  changed: number;
}

export function weightsStamp({ weightsPath }: ModelFolder): WeightsStamp {
  const [dir, file] = [dirname(weightsPath), basename(weightsPath)];
  const stats = readdirSync(dir)
    .filter((name) => name === file || name.startsWith(`${file}_data`) || name === `${file}.data`)
    .map((name) => statSync(join(dir, name)));
  return {
    file: weightsPath,
    bytes: stats.reduce((sum, { size }) => sum + size, 0),
    changed: Math.max(0, ...stats.map(({ mtimeMs }) => Math.round(mtimeMs))),
  };
}
