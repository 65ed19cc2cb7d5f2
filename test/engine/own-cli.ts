import test from 'ava';
import { execa } from 'execa';

/** Return the installation of a CLI that is this shell script. Its images are removed after the tests of the file. */
export function ownCli(name: string, script: string, version: string) {
  test.after.always(`remove the images with ${name}`, async () => {
    const options = { timeout: 60_000, stdin: 'ignore', reject: false } as const;
    const list = ['image', 'ls', '--quiet', `tmux-agents-provider:${name}-*`];
    const { stdout } = await execa('docker', list, options);
    for (const id of new Set(stdout.split('\n').filter(Boolean)))
      await execa('docker', ['rmi', '--force', id], options);
  });
  const path = `/usr/local/bin/${name}`;
  const base64 = Buffer.from(script).toString('base64');
  return { script: `printf %s ${base64} | base64 -d >${path} && chmod 755 ${path}`, version };
}
