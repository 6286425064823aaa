"""Freezes the held-out set of the evaluation: heldout.jsonl, and NOTICE.md with the licences of what is in it.

    /usr/bin/python3 freeze.py --npm ../../node_modules --npm ../../.vscode-test/server-4.139.1 --npm "$(npm root -g)"

Reads ../train/work/corpus.jsonl, the split 'heldout', and takes the folders that gather.py was given, for versions and licence texts. A text
that shares a run of RUN tokens with any text of the training split is dropped, and so are one that repeats what was chosen before and one whose
licence text is nowhere to be found. Tools' settings (folders and names that begin with a dot) never enter. Prints what was dropped and what was
taken, as Markdown; the same corpus gives the same files.
"""
import argparse, collections, hashlib, json, re, sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / 'train'))
import bpe, filters, gather

RUN = 50                       # tokens in a row that no text of the training split may share
BUDGET, PACKAGE = 70_000, 24_000  # most bytes of a language, and of one package in it
SHORTEST, LONGEST = 400, 12_000   # characters; a longer text is cut after a blank line
REPEAT, REPEATED = 20, 0.25    # a text of which this share of runs of REPEAT tokens was chosen before is a near-duplicate
LANGUAGES = ('typescript', 'javascript', 'python', 'dts', 'markdown', 'json')
MIX = np.random.RandomState(5).randint(0, 1 << 62, bpe.VOCAB, dtype=np.int64).astype(np.uint64)
BASE = 0x9e3779b97f4a7c15      # odd
HIDDEN = re.compile(r'(^|/)\.[^./]')  # a folder or a name that begins with a dot
HOME = re.compile(r'((?<![\w.])/(?:Users|home)/|\b[A-Za-z]:\\+Users\\+)[\w.-]+(?=[\\/])')  # a home directory, up to its owner's name


def hashes(ids, run):
    """The polynomial hash modulo 2**64 of every run of so many ids, uint64 [len(ids) - run + 1]; doubles the length of the runs, not one by one."""
    whole, done, part, length = None, 0, MIX[ids], 1
    while run:
        if run & 1:            # append this part to what is done
            if whole is None:
                whole, done = part, length
            else:
                size = len(ids) - done - length + 1
                whole = whole[:size] * np.uint64(pow(BASE, length, 1 << 64)) + part[done:done + size]
                done += length
        run >>= 1
        if run:
            size = len(part) - length
            part = part[:size] * np.uint64(pow(BASE, length, 1 << 64)) + part[length:length + size]
            length *= 2
    return whole


def excerpt(text):
    """The text, or its beginning up to a blank line where it is too long; None where there is no such line."""
    if len(text) <= LONGEST:
        return text
    end = text.rfind('\n\n', SHORTEST, LONGEST)
    return text[:end + 1] if end > 0 else None


def read(path, tokenizer, cut=excerpt):
    """(documents of the held-out split with ids, ids of the training split uint16, an end mark between documents); `cut` may shorten a text, or drop it."""
    heldout, parts = [], []
    for line in open(path):
        document = json.loads(line)
        if document['split'] == 'train':
            parts.append(np.array([*tokenizer.encode(document['text']), bpe.END], dtype=np.uint16))
        elif not HIDDEN.search(document['path']):
            document['whole'] = digest(document['text'])
            document['text'] = cut(document['text'])
            document['language'] = 'dts' if re.search(r'\.d\.[cm]?ts$', document['path']) else document['language']
            foreign = document['package'] == 'typescript' and re.match('lib/lib[.](dom|web)', document['path'])  # made from others' texts
            if document['text'] and len(document['text']) >= SHORTEST and not foreign:
                document['ids'] = np.array(tokenizer.encode(document['text']), dtype=np.uint16)
                heldout.append(document)
    return heldout, np.concatenate(parts)


def shared(heldout, train):
    """For each document whether it shares a run with the training ids. Every hit of the hashes is compared id by id, so there is no false one."""
    runs = [hashes(d['ids'], RUN) if len(d['ids']) >= RUN else np.empty(0, np.uint64) for d in heldout]
    values, first = np.unique(np.concatenate(runs), return_index=True)
    owner = np.repeat(np.arange(len(heldout)), [len(r) for r in runs])
    offset = np.concatenate([np.arange(len(r)) for r in runs])
    found = np.zeros(len(values), bool)
    step = 1 << 22             # bounds the memory of the hashes
    for start in range(0, len(train), step):
        piece = train[start:start + step + RUN - 1]
        if len(piece) < RUN:
            break
        theirs = hashes(piece, RUN)
        place = np.minimum(np.searchsorted(values, theirs), len(values) - 1)
        for at in np.flatnonzero(values[place] == theirs):
            if not found[place[at]]:
                mine = first[place[at]]
                ours = heldout[owner[mine]]['ids'][offset[mine]:offset[mine] + RUN]
                found[place[at]] = np.array_equal(ours, piece[at:at + RUN])
    return [bool(len(r)) and bool(found[np.searchsorted(values, r)].any()) for r in runs]


def order(name):
    """A fixed shuffle."""
    return hashlib.sha256(('freeze:' + name).encode()).digest()


def choose(documents):
    """(chosen, near-duplicates): one text of each package in turn, until the budget of the language is used."""
    packages = collections.defaultdict(list)
    for document in sorted(documents, key=lambda d: order(d['package'] + ' ' + d['path'])):
        packages[document['package']].append(document)
    waiting = collections.deque(packages[name] for name in sorted(packages, key=order))
    chosen, repeats, seen, used, shares = [], [], set(), 0, collections.Counter()
    while waiting:
        files = waiting.popleft()
        document = files.pop(0)
        size = len(document['text'].encode())
        runs = set(hashes(document['ids'], REPEAT).tolist()) if len(document['ids']) >= REPEAT else set()
        if runs and len(runs & seen) > REPEATED * len(runs):
            repeats.append(document)
        elif used + size <= BUDGET and shares[document['package']] + size <= PACKAGE:
            chosen.append(document)
            seen |= runs
            used += size
            shares[document['package']] += size
        if files:
            waiting.append(files)
    return chosen, repeats


def origins(wanted, roots):
    """{(package, path, digest of the whole text): (version, licence, licence texts)} of the packages of the wanted documents, found where they were gathered."""
    packages, found = {d['package'] for d in wanted}, {}
    for root in roots:
        for name, version, licence, folder in gather.npm_packages(root):
            if name in packages:
                for path, text in gather.npm_files(folder):
                    found.setdefault((name, path, digest(filters.scrub(text))), (version, licence, npm_licences(folder)))
    for name, version, licence, root, paths in gather.python_packages():
        if name in packages:
            for path in paths:
                text = path.read_text('utf-8', errors='replace')
                found[name, str(path.relative_to(root)), digest(filters.scrub(text))] = version, licence, python_licences(name)
    return found


def digest(text):
    """Names a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def npm_licences(folder):
    """[text] of the licence and notice files of a package; of its README's licence section, or its author, where it has no such file."""
    files = sorted(f for f in folder.iterdir() if f.is_file() and re.match(r'(licen[cs]e|copying|notice)', f.name, re.I))
    texts = [f.read_text('utf-8', errors='replace') for f in files if f.suffix.lower() not in ('.js', '.json', '.html')]
    if not texts:
        for readme in sorted(f for f in folder.iterdir() if f.name.lower().startswith('readme')):
            section = re.search(r'^#+[^\n]*licen[cs]e[^\n]*\n(.*?)(?=^#|\Z)', readme.read_text('utf-8', errors='replace'), re.I | re.M | re.S)
            texts += [section[1].strip()] if section else []
    if not texts:
        author = json.loads((folder / 'package.json').read_text('utf-8')).get('author')
        texts = ['Copyright (c) ' + (author.get('name', '') if isinstance(author, dict) else author)] if author else []
    return texts


def python_licences(name):
    """[text] of the licence of the standard library or of a Debian package of Python modules."""
    if name.startswith('python/'):
        text = Path('/usr/lib/python3.11/LICENSE.txt').read_text('utf-8')
        return [text[text.index('PYTHON SOFTWARE FOUNDATION LICENSE'):text.index('BEOPEN.COM LICENSE')].strip()]
    return [Path('/usr/share/doc', f'python3-{name.removeprefix("debian/").replace("_", "-")}', 'copyright').read_text('utf-8')]


def notice(rows, name='heldout.jsonl', author='freeze.py'):
    """The licences of the texts in a file: a table of the packages, then each licence text once, its copyright lines at the package."""
    bodies, lines = collections.OrderedDict(), []
    packages = collections.OrderedDict()
    for row in sorted(rows, key=lambda r: (r['package'], r['version'])):
        packages.setdefault((row['package'], row['version']), row)
    for (package, version), row in packages.items():
        rights, marks = [], []
        for text in row['texts']:
            text = text.replace('\r\n', '\n').strip()
            own = [l.strip(' \t*#') for l in text.split('\n') if re.match(r'\W*(Portions )?Copyright\b.*(\d{4}|\([cC]\)|©)', l) and 'yyyy' not in l]
            body = '\n'.join(l.rstrip() for l in text.split('\n') if l.strip(' \t*#') not in own or not own).strip()
            rights += [o for o in own if o not in rights]
            if len(body) > 60:
                key = re.sub(r'\W+', ' ', body).strip().lower()
                number, _ = bodies.setdefault(key, (len(bodies) + 1, body))
                marks.append(f'[{number}]')
        lines.append(f'| {package} | {version} | {row["licence"]} | {"; ".join(rights).replace("|", "/")} | {" ".join(marks)} |')
    texts = ''.join(f'\n## [{number}]\n\n```text\n{body}\n```\n' for number, body in bodies.values())
    return (f'# Licences of the texts in {name}\n\nThe texts are files, or beginnings of files, of these packages. E-mail addresses, long hexadecimal '
            f'numbers and the names in paths of home directories are replaced in them. Written by `{author}`.\n\n| package | version | licence | copyright | text |\n|---|---|---|---|---|\n' + '\n'.join(lines) + '\n' + texts)


def main():
    """Writes both files and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--npm', action='append', default=[], help='a node_modules folder that gather.py was given (may be given again)')
    arguments = parser.parse_args()
    corpus = HERE.parent / 'train' / 'work' / 'corpus.jsonl'
    heldout, train = read(corpus, bpe.Tokenizer())
    found = origins(heldout, arguments.npm)
    for document in heldout:
        document['origin'] = found.get((document['package'], document['path'], document['whole']))
        if document['origin'] is None:
            sys.exit(f'{document["package"]}: {document["path"]} is not where the corpus was gathered. Give the folders that gather.py was given.')
    overlaps = shared(heldout, train)
    for document in heldout:
        document['text'] = HOME.sub(r'\1name', document['text'])
    chosen = []
    print(f'{len(train)} training tokens\n\n| language | texts | bytes | share a run | bytes | no licence text | near-duplicates | taken | bytes | packages |\n|---|---|---|---|---|---|---|---|---|---|')
    for language in LANGUAGES:
        mine = [(d, o) for d, o in zip(heldout, overlaps) if d['language'] == language]
        taken, repeats = choose([d for d, o in mine if not o and d['origin'][2]])
        chosen += taken
        size = lambda documents: sum(len(d['text'].encode()) for d in documents)
        print(f'| {language} | {len(mine)} | {size(d for d, _ in mine)} | {sum(o for _, o in mine)} | {size(d for d, o in mine if o)} | '
              f'{sum(not o and not d["origin"][2] for d, o in mine)} | {len(repeats)} | '
              f'{len(taken)} | {size(taken)} | {len({d["package"] for d in taken})} |')
    rows = []
    for d in chosen:
        version, licence, texts = d['origin']
        rows.append({**{k: d[k] for k in ('package', 'path', 'language', 'split')}, 'version': version, 'licence': licence, 'text': d['text'], 'texts': texts})
    rows.sort(key=lambda r: (LANGUAGES.index(r['language']), r['package'], r['path']))
    with open(HERE / 'heldout.jsonl', 'w') as out:
        for row in rows:
            out.write(json.dumps({k: v for k, v in row.items() if k != 'texts'}, ensure_ascii=False) + '\n')
    (HERE / 'NOTICE.md').write_text(notice(rows))


if __name__ == '__main__':
    main()
