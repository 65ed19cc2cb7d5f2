import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { providers as catalogue } from '../providers/catalogue.ts';
import type { Provider } from '../providers/provider.ts';
import { regexOf } from '../providers/regex.ts';
import { keysInModelsFile } from '../spec/models-file.ts';
import { readUserProviders } from '../spec/user-providers.ts';
import { table } from '../text/table.ts';
import { type Command, type CommonOptions, printJson, printLine } from './command.ts';
import { releaseRows, releaseTable } from './providers/outdated.ts';

interface ProvidersOptions extends CommonOptions {
  readonly json: boolean;
  readonly outdated: boolean;
  readonly exitCode: boolean;
  readonly check?: string;
}

export const providers: Command = {
  options: yargs =>
    yargs
      .option('json', { type: 'boolean', default: false, describe: 'Print them as one line of JSON' })
      .option('outdated', {
        type: 'boolean',
        default: false,
        describe: 'Compare the releases with the newest ones of npm',
      })
      .option('exit-code', {
        type: 'boolean',
        default: false,
        describe: 'With --outdated: exit with 1 if one is outdated',
      })
      .option('check', {
        type: 'string',
        requiresArg: true,
        describe: 'Run a CLI with a stub of its model, and print what works',
      })
      .check(({ outdated, exitCode, check }) => {
        if (check !== undefined && outdated) throw new Error('--check and --outdated cannot be combined');
        if (exitCode && !outdated) throw new Error('--exit-code needs --outdated');
        return true;
      })
      .example('$0 providers --check claude', 'Install Claude Code and check it'),

  async handler(options: ProvidersOptions) {
    const { json, outdated, check } = options;
    if (check === undefined) return outdated ? compareReleases(options) : listProviders(json);
    const { runCheck } = await import('./providers/check.ts');
    return runCheck(check, options);
  },
};

async function listProviders(json: boolean): Promise<number> {
  const { known, problems } = await knownProviders();
  for (const problem of problems) printLine(problem);
  const rows = known.map(provider => ({ provider, found: loginsFound(provider, process.env) }));
  if (json) {
    printJson(
      rows.map(({ provider: { name, title, verified, install, brokered }, found }) => ({
        name,
        title,
        verified,
        install: 'npm' in install ? `${install.npm}@${install.version}` : install.script,
        version: install.version ?? null,
        found,
        brokered: brokered?.keys.map(key => key.name) ?? [],
      })),
    );
    return 0;
  }
  process.stdout.write(
    `${table([
      ['PROVIDER', 'CLI', 'RELEASE', 'TESTED', 'BROKERED', 'LOGIN FOUND'],
      ...rows.map(({ provider: { name, title, verified, install, brokered, keys }, found }) => [
        name,
        title,
        install.version ?? 'latest',
        verified ? 'yes' : 'no',
        brokered ? 'yes' : 'no',
        found.length > 0 ? found.join(', ') : `none; ${keys[0] ? `set ${keys[0]}` : 'see its documentation'}`,
      ]),
    ])}\n`,
  );
  return 0;
}

async function compareReleases({ json, exitCode }: Pick<ProvidersOptions, 'json' | 'exitCode'>) {
  const rows = await releaseRows((await knownProviders()).known);
  if (json) printJson(rows);
  else process.stdout.write(`${releaseTable(rows)}\n`);
  for (const { npm, error } of rows)
    if (error !== null) printLine(`the newest release of ${npm} is unknown: ${error}`);
  if (!exitCode) return 0;
  if (rows.some(({ isOutdated }) => isOutdated)) return 1;
  return rows.some(({ error }) => error !== null) ? 3 : 0;
}

/** Return the providers of this package and those of the user's files, and why other files cannot be used. */
async function knownProviders() {
  const files = [...(await readUserProviders(process.env)).values()];
  return {
    known: [...catalogue, ...files.flatMap(file => ('provider' in file ? [file.provider] : []))],
    problems: files.flatMap(file => ('problem' in file ? [file.problem] : [])),
  };
}

/** Return the names of variables and paths of files that an agent of this provider would be given. */
function loginsFound(
  { keys, aliases, passThroughEnv, login, models, otherLogins }: Provider,
  env: NodeJS.ProcessEnv,
): string[] {
  const home = env.HOME || homedir();
  const variables = regexOf(otherLogins.variables);
  const others = passThroughEnv.filter(name => variables?.test(name));
  return [
    ...[...new Set([...keys, ...Object.values(aliases), ...others])]
      .filter(name => env[name])
      .map(name => `$${name}`),
    ...login.filter(file => existsSync(join(home, file))).map(file => `~/${file}`),
    ...(models && keysInModelsFile(models, home) !== null ? [`~/${models.file}`] : []),
  ];
}
