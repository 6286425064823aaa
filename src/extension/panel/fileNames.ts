// Names that tell files apart: as short as they can be. Pure.

/** @param paths from a root, with `/` between @returns for each path its last segment, and as many of those before as tell it from all others */
export function fileNames(paths: Iterable<string>): Map<string, string> {
  const all = [...new Set(paths)];
  const parts = all.map((path) => path.split('/').filter((part) => part !== ''));
  const tail = (at: number, length: number): string => (parts[at] ?? []).slice(-length).join('/');
  return new Map(
    all.map((path, at) => {
      const most = parts[at]?.length ?? 0;
      for (let length = 1; length < most; length++) {
        const name = tail(at, length);
        if (all.every((_, other) => other === at || tail(other, length) !== name)) return [path, name];
      }
      return [path, tail(at, Math.max(1, most))];
    }),
  );
}
