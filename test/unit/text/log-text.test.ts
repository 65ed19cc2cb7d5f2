import test from 'ava';
import { errorForLog, forLog, jsonForLog } from '../../../src/text/log-text.ts';
import { table } from '../../../src/text/table.ts';

const commands = [
  '##[error]x',
  '##[add-path]/tmp',
  '##vso[task.setvariable variable=PATH]/tmp',
  "##teamcity[buildStatus text='ok']",
  '###[error]x',
  '####vso[task.complete]',
];
/** Detect a command as the runners of GitHub, Azure and TeamCity do. */
const isCommand = (line: string) => ['##[', '##vso[', '##teamcity['].some(prefix => line.includes(prefix));

for (const command of commands)
  test(`text of an agent is not a command for a CI runner: ${command}`, t => {
    t.true(isCommand(`it asks: ${command}`));
    t.false(isCommand(forLog(`it asks: ${command}`)));
    const json = jsonForLog({ screen: `it asks: ${command}`, [command]: ['\\##['] });
    t.false(isCommand(json));
    t.deepEqual(JSON.parse(json), { screen: `it asks: ${command}`, [command]: ['\\##['] });
  });

test('headings and other number signs are kept', t => {
  const text = 'run r1: ok\n## Heading [1]\n  ## x\ta##b';
  t.is(forLog(text), text);
});

test('a log line has no control characters', t => {
  t.is(forLog('docker: \x1b[31mno\x1b[0m\x1b]0;title\x07 \u202eway\x9b2J'), 'docker: no way');
});

test('later lines of an error do not start a command of GitHub Actions', t => {
  t.is(
    errorForLog('could not: a\n::error::b\n  ::set-output name=x::y\nc::d'),
    'could not: a\n|::error::b\n|  ::set-output name=x::y\nc::d',
  );
});

test('a cell of a table is one line of plain text', t => {
  t.is(
    table([
      ['A', 'B'],
      ['x\x1b[2J\ny', '\u202ez'],
    ]),
    'A    B\nx y  z',
  );
});
