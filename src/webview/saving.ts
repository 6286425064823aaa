// Makes the files that can be saved. Knows the scene and the formats, not where files go.
import type { Format } from './choices';
import { aboutHead, headFile } from './export/headFile';
import { pngOfMap } from './export/png';
import { shownHead, type Scene } from './scene';

export interface SavedFile {
  /** Without folder. */
  name: string;
  data: Uint8Array<ArrayBuffer>;
}

/** The file of a format; undefined where there is nothing to save. */
export async function exported(
  format: Format,
  scene: Scene,
  picture: { canvas: HTMLCanvasElement; cells: number } | undefined,
): Promise<SavedFile | undefined> {
  const { layer, head } = scene.choices;
  const name = `attention-layer${layer}-head${head}.${format}`;
  if (format !== 'png') {
    const data = headFile(format, scene);
    return data && { name, data };
  }
  const shown = shownHead(scene);
  if (!picture || !shown) return undefined;
  const blob = await pngOfMap(picture.canvas, aboutHead(scene, shown, picture.cells), scene.theme);
  return blob ? { name, data: new Uint8Array(await blob.arrayBuffer()) } : undefined;
}
