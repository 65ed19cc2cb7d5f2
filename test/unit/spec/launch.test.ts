import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { displayLine, launchScript } from '../../../src/spec/launch.ts';

const folder = mkdtempSync(join(tmpdir(), 'agent-flow-launch-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
const promptFile = join(folder, "pro'mpt");
const script = join(folder, 'launch');
const dump = join(folder, 'dump');
writeFileSync(
  dump,
  `#!${process.execPath}\nprocess.stdout.write('\\0' + JSON.stringify({ argv: process.argv.slice(2), env: process.env }))\n`,
);
chmodSync(dump, 0o755);

/** Shells of this machine; `sh` is a case of its own only if it is none of the others. */
const shells = new Map(
  [['sh'], ['dash'], ['bash', '--posix']].flatMap(shell => {
    const { stdout } = spawnSync('sh', ['-c', 'command -v "$0"', shell[0]!], { encoding: 'utf8' });
    return stdout === '' ? [] : [[realpathSync(stdout.trim()), shell] as const];
  }),
);

/** Stands in for the in-container command. */
const receiver = join(folder, 'agent-auth');
writeFileSync(receiver, '#!/bin/sh\nbase64 -d >"${0%/*}/$1"\n');
chmodSync(receiver, 0o755);

type Plan = Parameters<typeof launchScript>[0];

const plain: Plan = {
  command: ['x'],
  stdin: 'terminal',
  interactive: null,
  report: null,
  settings: [],
  prompt: null,
  env: {},
};

function run([shell, ...options]: readonly string[], plan: Partial<Plan>, cwd = folder) {
  writeFileSync(script, launchScript({ ...plain, command: [dump], ...plan }, { promptFile }));
  const { status, stdout, stderr } = spawnSync(shell!, [...options, script], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const [shown, json] = stdout.split('\0');
  const seen =
    json === undefined ? undefined : (JSON.parse(json) as { argv: string[]; env: Record<string, string> });
  return { status, stderr, shown: shown!, ...seen };
}

const hostile = [
  '',
  ' ',
  '-',
  '--',
  '-n',
  '-e',
  '-x',
  '--help',
  ';',
  '\\;',
  'a;',
  'a\\;',
  '&',
  '|',
  '||',
  '>',
  '<',
  '(',
  ')',
  '{',
  '}',
  '!',
  '#',
  '~',
  '*',
  '?',
  '[a]',
  '$',
  '$$',
  '$HOME',
  '${HOME}',
  '$(id)',
  '$((1+1))',
  '`id`',
  '\\',
  '\\\\',
  '\\n',
  '\\c',
  '%',
  '%s',
  '%n',
  '"',
  "'",
  "''",
  "'\\''",
  `"'"'`,
  '\n',
  '\r\n',
  'a\n',
  'a\n\n\n',
  '\n\na',
  ' lead',
  'trail ',
  '\t',
  'Enter',
  'C-c',
  'F1',
  '0x41',
  ',src=/',
  'a=b',
  'A=1',
  '{a,b}',
  '!!',
  '^a^b',
  '#{session_name}',
  '#(id)',
  '🦊',
  '👩‍👩‍👧',
  'é',
  '\u202Eabc',
  '\u2028',
  '\x01',
  '\x1b[31m',
  '\x7f',
  '\x81',
  '\u0088',
  '\ufeff',
  'EOF\n.\n',
  Array.from({ length: 127 }, (_, i) => String.fromCharCode(i + 1)).join(''),
];

for (const shell of shells.values()) {
  const name = shell.join(' ');

  test.serial(`${name}: every argument arrives as it is in the spec`, t => {
    const { status, argv } = run(shell, { command: [dump, ...hostile] });
    t.is(status, 0);
    t.deepEqual(argv, hostile);
  });

  test.serial(`${name}: every environment value arrives as it is in the spec`, t => {
    const env = Object.fromEntries(hostile.map((value, i) => [`V${i}`, value]));
    const seen = run(shell, { env }).env!;
    for (const [key, value] of Object.entries(env)) t.is(seen[key], value, JSON.stringify(value));
  });

  test.serial(`${name}: PAGER is cat, unless the image or the spec sets it`, t => {
    const before = process.env.PAGER;
    t.teardown(() => {
      if (before === undefined) delete process.env.PAGER;
      else process.env.PAGER = before;
    });
    delete process.env.PAGER;
    t.is(run(shell, {}).env!.PAGER, 'cat');
    process.env.PAGER = 'most';
    t.is(run(shell, {}).env!.PAGER, 'most');
    t.is(run(shell, { env: { PAGER: 'less' } }).env!.PAGER, 'less');
    t.is(run(shell, { env: { PAGER: '' } }).env!.PAGER, '');
  });

  test.serial(`${name}: every prompt is written exactly`, t => {
    for (const prompt of [...hostile, `${'x'.repeat(2 ** 20)}'\n`]) {
      const { shown } = run(shell, { command: ['printenv', 'AGENT_PROMPT_FILE'], prompt });
      t.is(readFileSync(promptFile, 'utf8'), prompt);
      t.is(shown, `$ printenv AGENT_PROMPT_FILE\n${promptFile}\n`);
    }
  });

  test.serial(`${name}: names that a shell reserves can be set like other variables`, t => {
    const env = {
      UID: '5',
      PPID: 'x',
      RANDOM: 'r',
      SECONDS: 's',
      OPTIND: 'abc',
      IFS: 'e',
      HOME: '/h',
      PATH: '/nope',
      PWD: '/p',
      SHLVL: '77',
      LINENO: 'l',
      PS4: '$(id)',
      BASH_ENV: '/x',
      ENV: '/x',
      _: 'u',
    };
    const { status, env: seen, stderr } = run(shell, { env, prompt: 'p' });
    t.is(stderr, '');
    t.is(status, 0);
    t.like(seen, env);
    t.is(readFileSync(promptFile, 'utf8'), 'p');
  });

  test.serial(`${name}: the program is looked up in the PATH of the spec`, t => {
    t.is(run(shell, { command: ['dump'], env: { PATH: folder } }).status, 0);
    t.is(run(shell, { command: ['dump'] }).status, 127);
  });

  test.serial(`${name}: the first word is the name of a program, even if it is shell syntax`, t => {
    const bin = join(folder, 'bin');
    mkdirSync(bin, { recursive: true });
    for (const word of [
      '-x',
      '--',
      '--help',
      'cd',
      'exit',
      'if',
      '!',
      '{',
      ':',
      'a;b',
      'a=b',
      '$x',
      "q'q",
      'a b',
    ]) {
      t.is(run(shell, { command: [word] }).status, 127, `${word} is missing`);
      try {
        symlinkSync(dump, join(bin, word));
      } catch {}
      const { status, argv } = run(shell, {
        command: [word, '-y', 'z'],
        env: { PATH: `${bin}:${process.env.PATH}` },
      });
      t.is(status, 0, word);
      t.deepEqual(argv, ['-y', 'z'], word);
    }
  });

  test.serial(
    `${name}: a program that cannot be run exits with 126, a missing one with 127, others with their own code`,
    t => {
      t.is(run(shell, { command: [script] }).status, 126);
      t.is(run(shell, { command: ['/'] }).status, 126);
      t.is(run(shell, { command: ['./nope'] }).status, 127);
      t.is(run(shell, { command: ['sh', '-c', 'exit 42'] }).status, 42);
      t.is(
        run(shell, { command: ['true', ...Array.from({ length: 40 }, () => 'x'.repeat(120_000))] }).status,
        126,
      );
    },
  );

  test.serial(`${name}: an argument of 120 kB arrives`, t => {
    const long = 'é'.repeat(60_000);
    t.deepEqual(run(shell, { command: [dump, long] }).argv, [long]);
  });

  test.serial(`${name}: a command that reads its prompt gets it exactly, and no terminal`, t => {
    const prompt = " it's\n$(id)\n\n";
    const { status, shown } = run(shell, { command: ['cat'], stdin: 'prompt', prompt });
    t.is(status, 0);
    t.is(shown, `$ cat\n${prompt}`);
  });

  test.serial(`${name}: an unattended AI CLI that asks a question gets the end of its input`, t => {
    const { status, shown } = run(shell, { command: ['cat'], stdin: 'empty', prompt: 'x' });
    t.is(status, 0);
    t.is(shown, '$ cat\n');
  });

  test.serial(`${name}: a prompt that cannot be written prevents the start`, t => {
    const plan = { ...plain, command: [dump], prompt: 'x' };
    writeFileSync(script, launchScript(plan, { promptFile: '/nope/prompt' }));
    const { status, stdout, stderr } = spawnSync(shell[0]!, [...shell.slice(1), script], {
      encoding: 'utf8',
    });
    t.is(status, 125);
    t.notRegex(stdout, /\0/);
    t.regex(stderr, /agent-run: cannot write \/nope\/prompt\n$/);
  });

  test.serial(`${name}: the command is shown on one line before it runs`, t => {
    t.is(
      run(shell, { command: ['sh', '-c', `echo "it's"\n`] }).shown,
      `$ sh -c 'echo "it'\\''s"\\n'\nit's\n`,
    );
  });
}

test('without a prompt, there is no prompt file, and AGENT_PROMPT_FILE of the spec is kept', t => {
  t.notRegex(launchScript(plain).toString(), /prompt|PROMPT/);
  t.regex(
    launchScript({ ...plain, env: { AGENT_PROMPT_FILE: '/mine' } }).toString(),
    /'AGENT_PROMPT_FILE=\/mine'/,
  );
});

test('with a prompt, the file is /run/agent/prompt, even if the spec sets AGENT_PROMPT_FILE', t => {
  const text = launchScript({ ...plain, prompt: '', env: { AGENT_PROMPT_FILE: '/mine' } }).toString();
  t.regex(text, /printf '%s' '' > '\/run\/agent\/prompt'/);
  t.regex(text, /exec env -- 'AGENT_PROMPT_FILE=\/run\/agent\/prompt' 'x'\n$/);
});

test('a command is shown as it would be typed, and never moves the cursor', t => {
  t.is(displayLine(['npm', 'test']), '$ npm test');
  t.is(displayLine(['a b', '', "it's", '--x=1']), `$ 'a b' '' 'it'\\''s' --x=1`);
  t.is(displayLine(['\x1b[2J', '\t', '\u202Ex', '\x9b']), `$ '\\e[2J' '\\t' '\\u202ex' '\\x9b'`);
  for (const word of hostile) t.notRegex(displayLine(['x', word]), /[\p{Cc}\p{Bidi_Control}\p{Zl}]/u);
});

test('a long command is truncated to one line', t => {
  t.is(displayLine(['x'.repeat(100_000)]).length, 160);
  t.is(displayLine(Array.from({ length: 1000 }, () => '🦊')).at(-1), '…');
  t.true(displayLine(Array.from({ length: 1000 }, () => '🦊')).isWellFormed());
});

for (const [, shell] of shells)
  test(`${shell.join(' ')}: a login of megabytes arrives byte by byte, and is on no command line`, t => {
    const content = Buffer.alloc(2 ** 21, Uint8Array.from([0, 39, 10, 255, 92]));
    const logins = [{ home: "its 'key", content }];
    writeFileSync(script, launchScript({ ...plain, command: ['true'] }, { logins }));
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    const { status, stderr } = spawnSync(shell[0]!, [...shell.slice(1), script], { env, encoding: 'utf8' });
    t.is(status, 0, stderr);
    t.true(content.equals(readFileSync(join(folder, "its 'key"))));
  });

for (const [, shell] of shells)
  test(`${shell.join(' ')}: skills and instructions are written into the home, byte by byte`, t => {
    const home = mkdtempSync(join(folder, 'home-'));
    const content = Buffer.from([0, 39, 10, 255, 92]);
    const skills = [
      { home: '.x/skills/a/SKILL.md', content, isExecutable: false },
      { home: ".x/skills/a/it's/run", content: Buffer.from('#!/bin/sh\nexit 7\n'), isExecutable: true },
    ];
    const instructions = { file: '.x/RULES.md', text: "Don't.\n$HOME `x` \\n" };
    mkdirSync(join(home, '.x'));
    writeFileSync(join(home, '.x/RULES.md'), 'Of the image.');
    writeFileSync(script, launchScript({ ...plain, command: ['true'], instructions }, { skills }));
    const run = (env: NodeJS.ProcessEnv) =>
      spawnSync(shell[0]!, [...shell.slice(1), script], {
        env: { ...process.env, ...env },
        encoding: 'utf8',
      });
    const { status, stderr } = run({ HOME: home });
    t.is(status, 0, stderr);
    t.true(content.equals(readFileSync(join(home, '.x/skills/a/SKILL.md'))));
    t.is(spawnSync(join(home, ".x/skills/a/it's/run")).status, 7);
    t.is(readFileSync(join(home, '.x/RULES.md'), 'utf8'), `Of the image.\n${instructions.text}\n`);

    const refused = run({ HOME: '/dev/null' });
    t.is(refused.status, 125);
    t.regex(refused.stderr, /agent-run: cannot write ~\/\.x\/skills\/a\/SKILL\.md/);
  });
