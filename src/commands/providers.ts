import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { providers as catalogue } from '../providers/catalogue.ts';
import type { Provider } from '../providers/provider.ts';
import { table } from '../text/table.ts';
import { type Command, type CommonOptions, printJson } from './command.ts';

interface ProvidersOptions extends CommonOptions {
  readonly json: boolean;
}

export const providers: Command = {
  options: yargs =>
    yargs.option('json', { type: 'boolean', default: false, describe: 'Print them as one line of JSON' }),

  async handler({ json }: ProvidersOptions) {
    const rows = catalogue.map(provider => ({ provider, found: loginsFound(provider, process.env) }));
    if (json) {
      printJson(
        rows.map(({ provider: { name, title, verified, install }, found }) => ({
          name,
          title,
          verified,
          install: 'npm' in install ? `${install.npm}@${install.version}` : install.script,
          found,
        })),
      );
      return 0;
    }
    process.stdout.write(
      `${table([
        ['PROVIDER', 'CLI', 'RELEASE', 'TESTED', 'LOGIN FOUND'],
        ...rows.map(({ provider: { name, title, verified, install, keys }, found }) => [
          name,
          title,
          'npm' in install ? install.version : 'latest',
          verified ? 'yes' : 'no',
          found.length > 0
            ? found.join(', ')
            : `none; ${keys[0] ? `set ${keys[0]}` : 'see its documentation'}`,
        ]),
      ])}\n`,
    );
    return 0;
  },
};

/** Return the names of variables and paths of files that an agent of this provider would be given. */
function loginsFound(
  { keys, aliases, passThroughEnv, login, otherLogins }: Provider,
  env: NodeJS.ProcessEnv,
): string[] {
  const home = env.HOME || homedir();
  const others = passThroughEnv.filter(name => otherLogins.variables?.test(name));
  return [
    ...[...new Set([...keys, ...Object.values(aliases), ...others])]
      .filter(name => env[name])
      .map(name => `$${name}`),
    ...login.filter(file => existsSync(join(home, file))).map(file => `~/${file}`),
  ];
}
