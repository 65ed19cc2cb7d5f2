import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { withStandardInput } from '../../../src/commands/standard-input.ts';
import { createCli } from '../_helpers/command-line.ts';

for (const [argv, command, expected] of [
  ['run -', 'run', 'run /dev/stdin'],
  ['run -d --json -', 'run', 'run -d --json /dev/stdin'],
  ['run --events - -', 'run', 'run --events - /dev/stdin'],
  ['run --junit - spec.json', 'run', 'run --junit - spec.json'],
  ['run -- -', 'run', 'run -- -'],
  ['graph -', 'graph', 'graph /dev/stdin'],
  ['validate --json -', 'validate', 'validate --json /dev/stdin'],
  ['send worker -', 'send', 'send worker -'],
] as const)
  test(`"${argv}" ${expected.includes('/dev/stdin') ? 'reads' : 'does not read'} a spec from standard input`, t => {
    t.deepEqual(withStandardInput(argv.split(' '), command), expected.split(' '));
  });

const spec = '{ "agents": { "one": { "command": ["true"], "workspace": "work" } } }';

/** Create a folder with a directory `work`, and return a shell in it that runs the real command as `af`. */
function shell(t: ExecutionContext) {
  const { path, stateDir } = createCli(t);
  mkdirSync(join(path, 'work'));
  writeFileSync(join(path, 'spec.json'), spec);
  const bin = process.env.AGENT_FLOW_BIN || join(import.meta.dirname, '../../../src/bin.ts');
  return async (script: string, input: string | Uint8Array = '') => {
    const af = `af() { '${process.execPath}' '${bin}' "$@"; }`;
    const { exitCode, stdout, stderr } = await execa('bash', ['-c', `${af}\n${script}`], {
      cwd: path,
      env: { AGENT_FLOW_STATE_DIR: stateDir },
      input,
      reject: false,
      timeout: 60_000,
    });
    return { exitCode, stdout: String(stdout), stderr: String(stderr), path };
  };
}

for (const [title, script, input] of [
  ['-', 'af validate --json -', spec],
  ['a byte order mark', 'af validate --json -', `\uFEFF${spec}`],
  ['a file as standard input', 'af validate --json - < spec.json', ''],
  ['/dev/stdin', 'af validate --json /dev/stdin', spec],
  ['<(…)', 'af validate --json <(cat spec.json)', ''],
  ['a named pipe', 'mkfifo pipe; cat spec.json >pipe & af validate --json pipe', ''],
  ['an open file', 'af validate --json /dev/fd/7 7<spec.json', ''],
] as const)
  test(`a spec is read from ${title}, and paths in it start in the working directory`, async t => {
    const { exitCode, stdout, stderr, path } = await shell(t)(script, input);
    t.is(exitCode, 0, stderr);
    const { name, agents } = JSON.parse(stdout);
    t.is(name, 'flow');
    t.is(agents[0].workspace.path, join(path, 'work'));
  });

for (const [title, script, input, message] of [
  [
    'text that is not JSON',
    'af validate -',
    '{ "agents": [ }',
    /^standard input has a problem:\n {2}line 1:15: expected a value/,
  ],
  ['empty input', 'af validate -', '', /^standard input has a problem:\n {2}line 1:1: expected a value/],
  ['a closed standard input', 'af validate - <&-', '', /^standard input has a problem/],
  ['a directory', 'af validate - <work', '', /^standard input has a problem/],
  [
    'another encoding',
    'af validate -',
    Buffer.from(`\uFEFF${spec}`, 'utf16le'),
    /standard input is not UTF-8 text/,
  ],
  ['too much input', 'head -c 11000000 /dev/zero | af validate -', '', /standard input is larger than 10 MB/],
  ['an endless file', 'af validate /dev/zero', '', /\/dev\/zero is larger than 10 MB/],
  ['an empty name', 'af validate ""', '', /^"" has a problem:\n {2}.* is a directory; expected a file/],
  ['an unknown key', 'af graph -', '{ "agent": {} }', /^standard input has/],
  ['an invalid spec for a run', 'af run --plan -', '{ "agents": {} }', /^standard input has/],
] as const)
  test(`${title} as a spec is refused with 2 and its name`, async t => {
    const { exitCode, stdout, stderr } = await shell(t)(script, input);
    t.is(exitCode, 2, stderr);
    t.is(stdout, '');
    t.regex(stderr.replace(/^agent-flow: /, ''), message);
  });
