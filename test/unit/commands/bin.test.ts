import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';

const bin = join(import.meta.dirname, '../../../src/bin.ts');

for (const old of ['12.22.12', '18.20.8', '22.19.0'])
  test(`Node ${old} is told in one line that it is too old`, async t => {
    const pretend = `data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"${old}"}})`;
    const { exitCode, stderr, stdout } = await execa(process.execPath, ['--import', pretend, bin, 'ps'], {
      reject: false,
    });
    t.is(exitCode, 2);
    t.is(stderr, `agent-flow needs Node 22.20 or newer; this is ${old}`);
    t.is(stdout, '');
  });
