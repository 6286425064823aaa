"""Freezes the projects of the evaluation: projects.jsonl, whole files of packages that no training text comes from, several of each package.

    /usr/bin/python3 projects.py --python SITE_PACKAGES

Takes two kinds of packages: those of heldout.jsonl, whose licences are in NOTICE.md already, and the Python packages in PYTHON, which were no source of
the training text, from SITE_PACKAGES; their licences go to NOTICE-projects.md. A package needs at least LEAST source files after the following were
dropped: one that shares a run of 50 tokens with the training split (see freeze.py); one that repeats another of its package (built beside its source, say);
tools' settings; declarations. The packages in FITTED, and those marked so in PYTHON, go to ../train/work/projects.jsonl instead: weights are fitted on
them (memoryFit.ts). Of a larger package, as many files as go into BUDGET. Prints what was taken, as Markdown; equal sources give equal files.
"""
import argparse, collections, json
from pathlib import Path

import numpy as np

from freeze import HERE, HIDDEN, HOME, REPEAT, REPEATED, bpe, filters, hashes, notice, order, read, shared

FITTED = {'eslint', 'source-map'}
# distribution: (version, licence, folder, whether weights are fitted on it)
PYTHON = {'flask': ('3.1.3', 'BSD-3-Clause', 'flask', False), 'joserfc': ('1.6.5', 'BSD-3-Clause', 'joserfc', False),
          's3transfer': ('0.17.0', 'Apache-2.0', 's3transfer', False), 'docker': ('7.1.0', 'Apache-2.0', 'docker', True),
          'trio': ('0.22.2', 'MIT OR Apache-2.0', 'trio', True), 'traitlets': ('5.15.0', 'BSD-3-Clause', 'traitlets', True),
          'graphql_core': ('3.2.8', 'MIT', 'graphql', True), 'openapi_spec_validator': ('0.9.0', 'Apache-2.0', 'openapi_spec_validator', True)}
LANGUAGES = ('typescript', 'javascript', 'python')
LEAST, BUDGET, SHORTEST, LONGEST = 5, 120_000, 60, 60_000  # files of a package, bytes of them, characters of one


def installed(site, tokenizer):
    """(documents as those of freeze.read, rows for `notice`) of the packages in PYTHON."""
    documents, rows = [], []
    for name, (version, licence, folder, fitted) in PYTHON.items():
        info = Path(site, f'{name}-{version}.dist-info')
        texts = [p.read_text('utf-8') for p in sorted(info.rglob('*')) if p.is_file() and p.name.split('.')[0] in ('LICENSE', 'COPYING')]
        if not texts:
            raise SystemExit(f'{info} has no licence text. Give the folder in which {name} {version} is installed.')
        if not fitted:
            rows.append({'package': name, 'version': version, 'licence': licence, 'texts': texts})
        for path in sorted(Path(site, folder).rglob('*.py')):
            text = path.read_text('utf-8')
            if SHORTEST <= len(text) <= LONGEST:
                documents.append({'package': name, 'path': str(path.relative_to(site)), 'language': 'python', 'text': filters.scrub(text),
                                  'ids': np.array(tokenizer.encode(text), dtype=np.uint16)})
    return documents, rows


def chosen(documents):
    """The files of one package, in the order of their paths."""
    taken, seen, used = [], set(), 0
    for document in sorted(documents, key=lambda d: ('/src/' not in '/' + d['path'], order(d['path']))):  # a source before what was built of it
        runs = set(hashes(document['ids'], REPEAT).tolist()) if len(document['ids']) >= REPEAT else set()
        size = len(document['text'].encode())
        if (not runs or len(runs & seen) <= REPEATED * len(runs)) and used + size <= BUDGET:
            taken.append(document)
            seen |= runs
            used += size
    return sorted(taken, key=lambda d: d['path'])


def main():
    """Writes the files and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--python', required=True, help='the site-packages folder in which the packages in PYTHON are installed')
    tokenizer, corpus = bpe.Tokenizer(), HERE.parent / 'train' / 'work' / 'corpus.jsonl'
    own, licences = installed(parser.parse_args().python, tokenizer)
    heldout, train = read(corpus, tokenizer, lambda text: text if len(text) <= LONGEST else None)
    documents = heldout + own
    known = {row['package']: (row['version'], row['licence']) for row in map(json.loads, open(HERE / 'heldout.jsonl'))}
    known |= {name: (version, licence) for name, (version, licence, _, _) in PYTHON.items()}
    fitted = FITTED | {name for name, row in PYTHON.items() if row[3]}
    packages = collections.defaultdict(list)
    for document, overlaps in zip(documents, shared(documents, train)):
        if document['language'] in LANGUAGES and not overlaps and not HIDDEN.search(document['path']):
            packages[document['package']].append(document)
    rows = {True: [], False: []}  # by whether they are for fitting
    print('| package | version | files | bytes | languages | |\n|---|---|---|---|---|---|')
    for package in sorted(packages):
        files = chosen(packages[package])
        if len(files) < LEAST or package not in known:
            continue
        version, licence = known[package]
        for d in files:
            rows[package in fitted].append({'project': package, 'path': d['path'], 'language': d['language'], 'version': version, 'licence': licence,
                                            'text': HOME.sub(r'\1name', d['text'])})
        print(f'| {package} | {version} | {len(files)} | {sum(len(d["text"].encode()) for d in files)} | '
              f'{", ".join(sorted({d["language"] for d in files}))} | {"fitted" if package in fitted else ""} |')
    for path, found in ((HERE / 'projects.jsonl', rows[False]), (corpus.parent / 'projects.jsonl', rows[True])):
        path.write_text(''.join(json.dumps(row, ensure_ascii=False) + '\n' for row in found))
    (HERE / 'NOTICE-projects.md').write_text(notice(licences, 'projects.jsonl that are not in heldout.jsonl', 'projects.py'))


if __name__ == '__main__':
    main()
