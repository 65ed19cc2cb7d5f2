import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { place, small } from './flow.ts';

const root = join(import.meta.dirname, '..', '..');
const pages = ['README.md', 'CONTRIBUTING.md'].concat(
  readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
);

const blocksOf = (page: string) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```(bash|ts)\n([\s\S]*?)^```$/gm)].map(
    ([, language, code]) => ({ language, code: code! }),
  );

for (const page of pages) {
  const blocks = blocksOf(page);
  if (blocks.length === 0) continue;
  test(`the commands in ${page} work in order in a fresh checkout`, async t => {
    t.timeout(20 * 60_000);
    const here = place(t);
    const checkout = join(here.path, 'checkout');
    const files = await execa('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
    });
    for (const file of files.stdout.split('\n').filter(file => existsSync(join(root, file))))
      cpSync(join(root, file), join(checkout, file));

    // The README installs agent-flow, and this one comes first on PATH.
    const source = join(root, 'src/bin.ts');
    writeFileSync(join(here.path, 'bin', 'agent-flow'), `#!/bin/sh\nexec node ${source} "$@"\n`, {
      mode: 0o755,
    });
    writeFileSync(
      join(checkout, 'spec.json'),
      JSON.stringify({ agents: { a: { command: ['true'], ...small } } }),
    );
    // Only the README installs the packages that a program imports.
    mkdirSync(join(here.path, 'node_modules'));
    for (const [name, target] of [
      ['agent-flow', root],
      ['zod', join(root, 'node_modules', 'zod')],
    ] as const)
      symlinkSync(target, join(here.path, 'node_modules', name));
    const prefix = join(here.path, 'global');
    const script = blocks.map(({ language, code }, index) => {
      if (language === 'bash') return code;
      const file = join(here.path, `block-${index}.ts`);
      writeFileSync(file, code);
      if (page === 'README.md')
        return `npm link --silent --no-save agent-flow && cp ${file} block.ts && node block.ts\n`;
      return `node ${file}\n`;
    });
    const node = dirname(process.execPath);
    const ran = await execa('bash', ['-eux', '-c', script.join('\n')], {
      cwd: checkout,
      env: {
        ...here.env,
        npm_config_prefix: prefix,
        PATH: `${prefix}/bin:${node}:${here.env.PATH}`,
      },
      extendEnv: false,
      stdin: 'ignore',
      all: true,
      reject: false,
      timeout: 19 * 60_000,
    });
    t.is(ran.exitCode, 0, ran.all.slice(-5000));
    t.deepEqual(await here.containers(), []);
  });
}
