"""Gathers the training text from packages that are installed anyway: npm trees and Debian's Python.

    /usr/bin/python3 gather.py --npm ../../node_modules --npm "$(npm root -g)" --python auto

Writes work/corpus.jsonl, one document a line {package, path, language, split, text}, and manifest.json, one row a
package. Only permissive licences, no generated or minified files, no near-duplicates; see filters.py.
"""
import argparse, collections, hashlib, json, os, re, subprocess, sysconfig
from pathlib import Path

import filters

HERE = Path(__file__).parent
LANGUAGES = {'.d.ts': 'dts', '.ts': 'typescript', '.mts': 'typescript', '.cts': 'typescript', '.tsx': 'typescript',
             '.js': 'javascript', '.mjs': 'javascript', '.cjs': 'javascript', '.py': 'python', '.json': 'json', '.md': 'markdown'}
CAPS = {'typescript': 24e6, 'dts': 6e6, 'javascript': 24e6, 'python': 24e6, 'json': 2.5e6, 'markdown': 5e6}  # bytes
PACKAGE_SHARE = 0.12  # at most this part of a language's cap from one package
HELD_OUT = 0.045      # part of the packages


def language_of(path):
    """The language of a file name, or None for a file that is not wanted."""
    for suffix, language in LANGUAGES.items():
        if path.endswith(suffix):
            return language
    return None


def split_of(package):
    """'heldout' or 'train', decided by the package's name alone, so versions and machines agree."""
    value = int.from_bytes(hashlib.sha256(('glassbox:' + package).encode()).digest()[:4], 'big') / 2**32
    return 'heldout' if value < HELD_OUT else 'train'


def npm_packages(root):
    """Yields (name, version, licence, folder) for every package below a node_modules folder, nested ones too."""
    for folder, names, files in os.walk(root):
        names[:] = sorted(n for n in names if n not in ('.git', '.cache', '.bin'))
        if 'package.json' not in files:
            continue
        try:
            meta = json.loads(Path(folder, 'package.json').read_text('utf-8'))
        except (ValueError, OSError):
            continue
        if isinstance(meta, dict) and isinstance(meta.get('name'), str) and meta.get('version'):
            licence = meta.get('license') or meta.get('licenses') or ''
            if isinstance(licence, list):
                licence = ' OR '.join(l.get('type', '') if isinstance(l, dict) else str(l) for l in licence)
            if isinstance(licence, dict):
                licence = licence.get('type', '')
            yield meta['name'], str(meta['version']), str(licence), Path(folder)


def npm_files(folder):
    """Yields (relative path, text) of a package, without nested packages; TypeScript inside source maps counts."""
    for at, names, files in os.walk(folder):
        names[:] = sorted(n for n in names if n != 'node_modules' and not os.path.exists(os.path.join(at, n, 'package.json')))
        for name in sorted(files):
            path = Path(at, name)
            relative = str(path.relative_to(folder))
            if name.endswith('.map') and path.stat().st_size < 20e6:
                yield from mapped_sources(path, relative)
            elif language_of(name) and path.stat().st_size < filters.MAX_BYTES and not path.is_symlink():
                yield relative, path.read_text('utf-8', errors='replace')


def mapped_sources(path, relative):
    """Yields the original TypeScript files that a source map carries, as (relative path, text)."""
    try:
        found = json.loads(path.read_text('utf-8'))
        pairs = list(zip(found.get('sources', []), found.get('sourcesContent') or []))
    except (ValueError, AttributeError):
        return
    for source, text in pairs:
        if isinstance(text, str) and source and 'node_modules' not in source and re.search(r'(?<!\.d)\.tsx?$', source):
            yield re.sub(r'^(\w+:/*)?(\.\.?/)*', '', source), text


def python_packages():
    """Yields (name, version, licence, files) for the standard library and each Debian package of Python modules."""
    standard = Path(sysconfig.get_path('stdlib'))
    modules = collections.defaultdict(list)
    for path in sorted(standard.rglob('*.py')):
        if 'dist-packages' not in path.parts and 'site-packages' not in path.parts:
            modules[path.relative_to(standard).parts[0].removesuffix('.py')].append(path)
    for name, paths in modules.items():
        yield 'python/' + name, sysconfig.get_python_version(), 'PSF-2.0', standard, paths
    root = Path('/usr/lib/python3/dist-packages')
    for entry in sorted(root.iterdir()):
        if entry.name.startswith('__pycache__') or entry.suffix in ('.egg-info', '.dist-info'):
            continue
        paths = [entry] if entry.suffix == '.py' else sorted(entry.rglob('*.py')) if entry.is_dir() else []
        owner = subprocess.run(['dpkg', '-S', str(entry)], capture_output=True, text=True).stdout.split(':')[0].split(',')[0]
        if paths and owner:
            version = subprocess.run(['dpkg-query', '-W', '-f', '${Version}', owner], capture_output=True, text=True).stdout
            yield 'debian/' + entry.name.removesuffix('.py'), version, debian_licence(owner), root, paths


def debian_licence(owner):
    """All licences of the upstream files in a Debian copyright file, joined with AND; '' where there is no such list."""
    path = Path('/usr/share/doc', owner, 'copyright')
    if not path.exists():
        return ''
    found = []
    for stanza in re.split(r'\n\s*\n(?=Files:)', path.read_text('utf-8', errors='replace')):
        files, licence = re.search(r'^Files:\s*(.*)', stanza, re.M), re.search(r'^License:\s*(.*)', stanza, re.M)
        if files and licence and not files[1].startswith('debian/') and licence[1] not in found:
            found.append(licence[1].strip())
    return ' AND '.join(found)


def documents(arguments):
    """Yields (package, version, licence, path, text) of every candidate file with an accepted licence."""
    seen = set()
    for root in arguments.npm:
        for name, version, licence, folder in npm_packages(root):
            if (name, version) in seen or name in arguments.without or not filters.permissive(licence):
                continue
            seen.add((name, version))
            for path, text in npm_files(folder):
                yield name, version, licence, path, text
    for name, version, licence, root, paths in python_packages() if arguments.python else ():
        if filters.permissive(licence):
            for path in paths:
                if path.stat().st_size < filters.MAX_BYTES and not path.is_symlink():
                    yield name, version, licence, str(path.relative_to(root)), path.read_text('utf-8', errors='replace')


def main():
    """Filters, removes duplicates, applies the caps, writes the corpus and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--npm', action='append', default=[], help='a node_modules folder (may be given again)')
    parser.add_argument('--python', action='store_true', help="Debian's Python: standard library and dist-packages")
    parser.add_argument('--without', action='append', default=['glassbox'], help='a package name to leave out')
    arguments = parser.parse_args()
    duplicates, dropped, kept = filters.Duplicates(), collections.Counter(), []
    for package, version, licence, path, text in documents(arguments):
        language = language_of(path)
        reason = filters.unwanted(path, text, language) or duplicates.reason(text)
        if reason:
            dropped[reason] += 1
        else:
            kept.append((package, version, licence, path, language, filters.scrub(text)))
    kept.sort(key=lambda d: hashlib.sha256((d[0] + d[3]).encode()).digest())  # a fixed shuffle, so caps cut evenly
    used, shares, rows = collections.Counter(), collections.Counter(), {}
    with open(HERE / 'work' / 'corpus.jsonl', 'w') as out:
        for package, version, licence, path, language, text in kept:
            size = len(text.encode())
            if used[language] + size > CAPS[language] or shares[package, language] + size > CAPS[language] * PACKAGE_SHARE:
                dropped['cap'] += 1
                continue
            used[language] += size
            shares[package, language] += size
            row = rows.setdefault((package, version), {'name': package, 'version': version, 'licence': licence, 'files': 0, 'bytes': 0,
                                                       'languages': collections.Counter(), 'split': split_of(package), 'sha256': hashlib.sha256()})
            row['files'] += 1
            row['bytes'] += size
            row['languages'][language] += size
            row['sha256'].update(text.encode())
            out.write(json.dumps({'package': package, 'path': path, 'language': language, 'split': row['split'], 'text': text}) + '\n')
    for row in rows.values():
        row['sha256'] = row['sha256'].hexdigest()
    write_manifest(sorted(rows.values(), key=lambda r: (r['name'], r['version'])), dropped)


def write_manifest(rows, dropped):
    """Writes manifest.json: totals, then one package a line; prints the totals."""
    totals = {split: sum((collections.Counter(r['languages']) for r in rows if r['split'] == split), collections.Counter()) for split in ('train', 'heldout')}
    licences = collections.Counter()
    for row in rows:
        licences[row['licence']] += row['bytes']
    head = {'bytes': totals, 'licences': dict(licences.most_common()), 'dropped': dict(dropped.most_common())}
    lines = ',\n'.join(json.dumps(row) for row in rows)
    (HERE / 'manifest.json').write_text(json.dumps(head, indent=1)[:-2] + ',\n "packages": [\n' + lines + '\n]}\n')
    print(json.dumps(head, indent=1), len(rows), 'packages')


if __name__ == '__main__':
    main()
