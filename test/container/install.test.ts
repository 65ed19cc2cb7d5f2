import { join } from 'node:path';
import test from 'ava';
import { docker, dockerDir, image, label } from './box.ts';

/** Install `agent-cli` as a Dockerfile does, and return its output. */
async function install(how: string) {
  const { exitCode, stdout, stderr } = await docker([
    ...['run', '--rm', '--network=none', `--label=${label}`, '--entrypoint=sh'],
    `--volume=${join(dockerDir, 'provider')}:/provider:ro`,
    ...['--env=PROGRAM=agent-cli', `--env=INSTALL=${how}`, await image, '-c'],
    'cp -r /provider /usr/local/lib/agent-flow/ && sh /usr/local/lib/agent-flow/provider/install && agent-cli && ls /tmp',
  ]);
  return { exitCode, stdout, lastLine: stderr.trimEnd().split('\n').at(-1) };
}

const program = (...lines: readonly string[]) =>
  `printf '%s\\n' '#!/bin/sh' ${lines.map(line => `'${line}'`).join(' ')} >/usr/local/bin/agent-cli && chmod 755 /usr/local/bin/agent-cli`;

test('an installation leaves no other files behind', async t => {
  const { exitCode, stdout } = await install(program('echo at work; touch "$HOME/seen"'));
  t.is(exitCode, 0);
  t.is(stdout, 'at work\n');
});

test('a program that npm installed incompletely is installed again', async t => {
  const half = program('exit 1');
  const { exitCode, stdout } = await install(
    `if [ -e half ]; then ${program('echo at work')}; else touch half; ${half}; fi`,
  );
  t.is(exitCode, 0);
  t.is(stdout, 'at work\n');
});

test('a program that does not start fails the build, not the agent', async t => {
  const { exitCode, stdout, lastLine } = await install(program('echo Missing optional dependency', 'exit 1'));
  t.is(exitCode, 1);
  t.is(stdout, 'Missing optional dependency\n');
  t.is(
    lastLine,
    'agent-flow: agent-cli does not start after it was installed; a part of it may not have been downloaded',
  );
});

test('a failed installation, or a missing program, is reported in one line', async t => {
  t.is((await install('false')).lastLine, 'agent-flow: agent-cli could not be installed');
  t.is((await install('true')).lastLine, 'agent-flow: agent-cli is missing after it was installed');
});
