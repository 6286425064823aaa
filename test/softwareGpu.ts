// A GPU in software for tests where there is none: SwiftShader, the Vulkan driver that comes with Chromium. It must be named in the
// environment before a process starts.

import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const DRIVER = ['vk_swiftshader_icd.json', 'libvk_swiftshader.so', 'libvulkan.so.1'];

/** The folder with Chromium's own Vulkan driver and loader. */
export function chromiumDir(): string | undefined {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'chrome'];
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((bin) => names.map((name) => join(bin, name)))
    .filter((path) => existsSync(path))
    .map((path) => dirname(realpathSync(path)));
  return ['/usr/lib/chromium', '/usr/lib/chromium-browser', ...found].find((folder) =>
    DRIVER.every((file) => existsSync(join(folder, file))),
  );
}

/** Our environment with its driver. @param chromium its folder */
export function softwareGpu(chromium: string): NodeJS.ProcessEnv {
  const icd = join(chromium, DRIVER[0] as string);
  const path = [chromium, process.env['LD_LIBRARY_PATH']].filter(Boolean).join(delimiter);
  return { ...process.env, VK_DRIVER_FILES: icd, VK_ICD_FILENAMES: icd, LD_LIBRARY_PATH: path };
}
