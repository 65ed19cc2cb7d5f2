import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import fc from 'fast-check';

/** A repository, and the work of an agent in its clone: both are shell scripts. */
export interface Scenario {
  readonly repository: string;
  readonly agent: string;
  /** Whether it leaves a repository inside, which stays in the clone. */
  readonly hasInside: boolean;
}

/** Names as bytes: `printf` of a shell makes them of octal escapes. */
const names = [
  'plain.txt',
  'other.txt',
  'with space.txt',
  'caf\\351.txt',
  '\\303\\251t\\303\\251',
  'new\\nline.txt',
  'tab\\there',
  '-dash',
  'glob*[x]?.txt',
  'back\\\\slash',
  '\\001control',
  ':(top)colon',
  'quote\'"$(x)',
  '#hash',
  ' lead and trail ',
  '\\377\\376',
  `long-${'x'.repeat(190)}`,
  'folder/deep/file.txt',
  'folder/deep/\\303\\244.txt',
  'folder/sp ace.txt',
];
/** A word of a shell script; the dot keeps a line end at the end of a name. */
const word = (name: string) => `"$(printf '%b' '${name.replaceAll("'", "'\\''")}')"`;

const contents = {
  text: 'one\\ntwo\\n',
  crlf: 'one\\r\\ntwo\\r\\n',
  mixed: 'one\\r\\ntwo\\nthree',
  binary: '\\000\\001\\377\\r\\n',
  empty: '',
};
/** No line endings for checkouts: if only some commits have them, git itself reports files as changed. */
const attributes = ['', '* text=auto', '*.txt text', '* filter=lfs', '*.txt -text', '* export-ignore'];

interface File {
  readonly name: string;
  readonly content: keyof typeof contents;
  readonly kind: 'file' | 'executable' | 'link' | 'hardlink';
}
const file: fc.Arbitrary<File> = fc.record({
  name: fc.constantFrom(...names),
  content: fc.constantFrom(...(Object.keys(contents) as (keyof typeof contents)[])),
  kind: fc.constantFrom('file', 'file', 'executable', 'link', 'hardlink'),
});

const write = ({ name, content, kind }: File) => {
  const path = word(name);
  const make = `mkdir -p "$(dirname -- ./${path})"; rm -rf -- ./${path}`;
  const fill = `printf '%b' '${contents[content]}' >./${path}`;
  if (kind === 'link') return `${make}; ln -s 'folder/no where' ./${path}`;
  if (kind === 'hardlink') return `${make}; ${fill}; ln -f ./${path} ./${path}.twin`;
  return `${make}; ${fill}${kind === 'executable' ? `; chmod +x ./${path}` : ''}`;
};

const repository = fc
  .record({
    files: fc.array(file, { maxLength: 8 }),
    format: fc.constantFrom('sha1', 'sha1', 'sha1', 'sha256'),
    attributes: fc.constantFrom(...attributes),
    commits: fc.integer({ min: 0, max: 3 }),
    end: fc.subarray([
      'git gc -q',
      'git pack-refs --all',
      'git checkout -q --detach',
      'git branch feature/x HEAD~1',
      'git tag -a -m old old HEAD~1',
      'git config core.autocrlf input',
      'git config core.fileMode false',
      'git stash -q -u',
      'echo dirty >dirty.txt',
    ]),
  })
  .map(made =>
    [
      `git init -q -b main --object-format=${made.format} .`,
      'git config user.name T; git config user.email t@example.invalid',
      'echo base >base.txt; echo ignored >.gitignore; git add .; git commit -q -m first; git checkout -q -b side; echo side >base.txt; git commit -q -a -m side; git checkout -q main; echo main >more.txt; git add .; git commit -q -m second',
      ...made.files.map(write),
      'git add -A; git commit -q --allow-empty -m files',
      `printf '%s\\n' '${made.attributes}' >.gitattributes; git add .gitattributes; git commit -q --allow-empty -m attributes`,
      ...Array.from(
        { length: made.commits },
        (_, index) => `echo ${index} >>base.txt; git commit -q -a -m more${index}`,
      ),
      ...made.end,
    ].join('\n'),
  );

/** Steps that leave a repository without work in it, unless there was some before. */
const looks = [
  'git status',
  'git checkout -q HEAD~1',
  'git checkout -q origin/side',
  'git checkout -q -b looked origin/side',
  'git reset -q --hard HEAD~1',
  'git bisect start HEAD HEAD~2',
  'git gc -q',
  'git pack-refs --all',
  'git update-index --split-index',
  'git tag look HEAD~1',
  'find . -path ./.git -prune -o -type f -exec touch {} +',
  'mkfifo pipe; mkdir empty',
  'echo x >ignored',
  'git reflog expire --expire=now --all',
  'git rm -q --cached base.txt',
  'git sparse-checkout set --no-cone base.txt',
  'git config core.autocrlf false',
  'git commit -q --amend --no-edit --dry-run',
];

const changes = [
  'rm -rf base.txt',
  'mv base.txt "moved base.txt"',
  'chmod +x base.txt more.txt',
  'rm -f base.txt; mkdir base.txt; echo x >base.txt/inside',
  'rm -rf folder; echo file >folder',
  'rm -f more.txt; ln -s base.txt more.txt',
  'rm -f more.txt; mkfifo more.txt',
  'ln -f base.txt twin.txt',
  'echo "*.txt text" >.gitattributes',
  'echo "other*" >>.gitignore',
  'git update-index --assume-unchanged base.txt; echo hidden >>base.txt',
  'git update-index --skip-worktree base.txt; echo hidden >>base.txt',
  'echo intent >intent.txt; git add -N intent.txt',
  'echo staged >staged.txt; git add staged.txt; echo more >>staged.txt',
  'echo locked >locked.txt; chmod 000 locked.txt',
  'mkdir -p closed; echo x >closed/x; chmod 000 closed',
];

const commits = [
  'git add -A; git commit -q -m all',
  'git commit -q -a -m tracked',
  'git commit -q --allow-empty -m empty',
  'git commit -q -a --amend --allow-empty -m amended',
  'echo $$ >c.txt; git add c.txt; git commit -q -m c',
  'git checkout -q -b feature/a; git commit -q --allow-empty -m a',
  'git checkout -q --detach; git commit -q --allow-empty -m detached',
  'git checkout -q -B gone; git commit -q --allow-empty -m gone; git checkout -q -; git branch -q -D gone',
  'git checkout -q --orphan fresh; git commit -q --allow-empty -m orphan',
  'git reset -q --hard HEAD~1',
  'git reset -q --soft HEAD~1',
  'git reset -q HEAD~1',
  'git checkout -q -',
  'git checkout -q -f "$given"',
  'echo s >>base.txt; git stash -q',
  'echo u >u.txt; git stash -q -u',
  'git stash drop -q',
  'git stash pop -q',
  'git tag light; git tag -a -m note annotated',
  'git notes add -m note',
  'git merge -q -m merged origin/side',
  'git cherry-pick origin/side',
  'git rebase -q origin/side',
  'git revert --no-edit HEAD',
  'git commit-tree -m dangling HEAD^{tree} -p HEAD >>/tmp/made',
  'git replace HEAD HEAD~1',
  'git worktree add -q --detach /tmp/tree; git -C /tmp/tree commit -q --allow-empty -m tree',
  'git worktree add -q --detach /tmp/lost; git -C /tmp/lost commit -q --allow-empty -m lost; git -C /tmp/lost rev-parse HEAD >>/tmp/made; git worktree remove -f /tmp/lost',
  "git branch -q \"$(printf 'b\\351')\"; git branch -q -m 'renamed/#1'",
  'git gc -q',
  'git repack -q -a -d',
  'git pack-refs --all',
  'git reflog expire --expire=now --all',
];

/** Repositories inside, whose work stays in the clone. */
const inside = [
  'git init -q nested; echo n >nested/n.txt',
  'git init -q folder2/nested; git -C folder2/nested commit -q --allow-empty -m n',
  'git clone -q . copied',
];

/** Damages of a clone at the end. */
const damages = [
  'printf junk >.git/index',
  ': >.git/index',
  'rm -f .git/index',
  'printf junk >.git/HEAD',
  'rm -f .git/HEAD',
  ': >.git/HEAD',
  'printf junk >".git/refs/heads/$given"',
  ': >".git/refs/heads/$given"',
  'rm -rf .git/refs',
  'rm -rf .git/logs',
  'printf junk >.git/packed-refs',
  'touch .git/index.lock .git/HEAD.lock .git/refs/heads/x.lock .git/packed-refs.lock',
  'printf "[[[" >.git/config',
  'rm -f .git/config',
  'mkdir -p .git/objects/info; echo /no/where >.git/objects/info/alternates',
  'rm -f .git/shallow; rm -rf .git/info .git/hooks',
  'chmod -R 000 .git',
];

/** The last commit lacks one of its objects. */
const losses = [
  'rm -f "$(object "$(git rev-parse HEAD:lost.txt)")"',
  'rm -f "$(object "$(git rev-parse HEAD^{tree})")"',
  'rm -f "$(object "$(git rev-parse HEAD)")"',
  'f=$(object "$(git rev-parse HEAD:lost.txt)"); chmod +w "$f"; : >"$f"',
  'f=$(object "$(git rev-parse HEAD)"); chmod +w "$f"; : >"$f"',
  'f=$(object "$(git rev-parse HEAD:lost.txt)"); chmod +w "$f"; printf junk >"$f"',
];

const prelude = `
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.invalid GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.invalid GIT_EDITOR=true
start=$(git rev-list --all)
given=$(git symbolic-ref --short HEAD)
object() { printf '.git/objects/%.2s/%s' "$1" "\${1#??}"; }
# Check the result after each step: a later one may hide it.
note() { { git rev-list --all --reflog HEAD; git rev-list -g stash; git -C /tmp/tree rev-list HEAD; } 2>/dev/null >>/tmp/made; }
`;

/** Records the state before a damage, and finally the content of the work tree. */
const before = `
{ git rev-parse HEAD || git rev-parse "$given"; } >/tmp/head 2>/dev/null
cp -a .git /tmp/pristine
[ ! -e .git/info/sparse-checkout ] || echo sparse`;
const report = `
chmod -R u+rwX .
echo "head $(head -n 1 /tmp/head)"
printf '%s\\n' "$start" | sort -u >/tmp/start
sort -u /tmp/made | comm -23 - /tmp/start | sed 's/^/made /'
[ ! -e /tmp/broken ] || sed 's/^/broken /' /tmp/broken
export GIT_DIR=/tmp/pristine GIT_WORK_TREE=$PWD
find . -mindepth 1 \\( -type d -exec test -e '{}/.git' \\; -o -path ./.git \\) -prune -o \\( -type f -o -type l \\) -exec sh -c '
  for path do
    git check-ignore -q -- "$path" && continue
    hex=$(printf %s "\${path#./}" | od -An -v -tx1 | tr -d " \\n")
    if [ -L "$path" ]; then echo "file 120000 $(readlink -n -- "$path" | sha1sum | cut -c1-40) $hex"
    else
      mode=100644
      [ ! -x "$path" ] || mode=100755
      echo "file $mode $(tr -d "\\r" <"$path" | sha1sum | cut -c1-40) $hex"
    fi
  done' sh {} +
[ ! -p more.txt ] || echo pipe
echo reported`;

const step = (command: string) => `( ${command}\n) >/dev/null 2>&1 </dev/null; note`;

export const scenario: fc.Arbitrary<Scenario> = fc
  .record({
    repository,
    steps: fc.oneof(
      fc.array(fc.constantFrom(...looks), { maxLength: 4 }),
      fc.array(
        fc.oneof(
          fc.constantFrom(...looks),
          fc.constantFrom(...changes),
          { arbitrary: fc.constantFrom(...commits), weight: 3 },
          file.map(write),
        ),
        { minLength: 1, maxLength: 12 },
      ),
    ),
    inside: fc.oneof({ arbitrary: fc.constant(''), weight: 7 }, fc.constantFrom(...inside)),
    loss: fc.oneof({ arbitrary: fc.constant(''), weight: 7 }, fc.constantFrom(...losses)),
    damages: fc.oneof(fc.constant([]), fc.subarray(damages, { maxLength: 3 })),
  })
  .map(({ repository, steps, inside, loss, damages }) => ({
    repository,
    agent: [
      prelude,
      ...steps.map(step),
      ...(inside === '' ? [] : [step(inside)]),
      ...(loss === ''
        ? []
        : [
            `note; ( echo lost >lost.txt; git add -f lost.txt; git commit -q -m lost ) >/dev/null 2>&1 && git rev-parse HEAD >/tmp/broken`,
          ]),
      before,
      `( ${[':', loss, ...damages].filter(Boolean).join('\n')}\n) >/dev/null 2>&1`,
      report,
    ].join('\n'),
    hasInside: inside !== '',
  }));

/** Make the repository of a scenario in a new directory. */
export function makeRepository(path: string, script: string): void {
  mkdirSync(path);
  execFileSync('sh', ['-c', script], {
    cwd: path,
    stdio: 'ignore',
    env: { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' },
  });
}
