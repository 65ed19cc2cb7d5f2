import yargs, { type Argv } from 'yargs';
import { commands, firstNameIn, namedIn } from './commands/catalogue.ts';
import type { CommonOptions } from './commands/command.ts';
import { agentsFrom, namesFor } from './commands/completion.ts';
import { withInspectAlone } from './commands/inspector/option.ts';
import { reportError } from './commands/report-error.ts';
import { withStandardInput } from './commands/standard-input.ts';
import { watchStreams } from './commands/streams.ts';
import { UsageError } from './errors.ts';
import { version } from './package.ts';
import { oneLine } from './text/text.ts';

/** Run one command line. Return the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let code = 0;
  watchStreams();
  const parser = yargs()
    .scriptName('agent-flow')
    .usage('$0 <command>\n\nRun AI coding agents, each in its own Docker container with a tmux session.')
    .option('state-dir', {
      type: 'string',
      requiresArg: true,
      describe: 'Directory that stores runs (AGENT_FLOW_STATE_DIR)',
      global: true,
    })
    .option('context', {
      type: 'string',
      requiresArg: true,
      describe: 'Docker context to use (DOCKER_CONTEXT)',
      global: true,
    })
    .version('version', 'Print the version', version)
    // The last value of a repeated option counts.
    .parserConfiguration({ 'duplicate-arguments-array': false })
    .strict()
    .demandCommand(1, 'Missing command, for example: agent-flow run spec.json')
    .recommendCommands()
    .exitProcess(false)
    .help('help', 'Print this help')
    .group(['state-dir', 'context', 'help', 'version'], 'Global options:')
    .example('$0 init', 'Create agent-flow.json')
    .example('$0 run agent-flow.json', 'Run it')
    .example('source <($0 completion)', 'Complete names with TAB')
    .wrap(helpWidth(process.stdout.columns))
    .fail((message, error) => {
      if (!message) throw error;
      throw new UsageError(usageMessage(message, argv));
    });
  // Yargs builds options synchronously.
  const loaded = new Map(
    await Promise.all(namedIn(argv).map(async command => [command, await command.load()] as const)),
  );
  for (const command of commands)
    parser.command(
      command.usage,
      command.describe,
      builder => (loaded.get(command)?.options(builder as Argv<CommonOptions>) ?? builder) as typeof builder,
      async args => {
        selectContext(args.context as string | undefined);
        code = await (await command.load()).handler(args as CommonOptions);
      },
    );
  parser.completion('completion', 'Print a shell completion script', complete);
  const untyped = parser as typeof parser & UntypedMethods;
  untyped.usageConfiguration({ 'hide-types': true });
  // Before each handler, yargs renders the help page in case the handler prints it, which ours do not.
  untyped.getInternalMethods().getUsageInstance().cacheHelpMessage = () => {};
  // Exit after completing: the rest of the line must not run as a command.
  if (argv[0] === '--get-yargs-completions') parser.exitProcess(true);
  try {
    await parser.parseAsync(withStandardInput(withInspectAlone(argv), firstNameIn(argv)));
    return code;
  } catch (error) {
    return reportError(error);
  }
}

/** Let every docker child of this process use a context, as `docker --context` does. */
function selectContext(name: string | undefined): void {
  if (name === undefined) return;
  if (name === '') throw new UsageError('--context needs a name: docker context ls lists them');
  process.env.DOCKER_CONTEXT = name;
  delete process.env.DOCKER_HOST;
}

/** Return the columns of `--help`: 80 where the terminal has no size or is too narrow. */
const helpWidth = (columns = 80) => (columns < 40 ? 80 : Math.min(100, columns));

/** Return the message of yargs, with the word it is about and the help page to read. */
function usageMessage(message: string, argv: readonly string[]): string {
  const command = firstNameIn(argv);
  const page = command === undefined ? 'agent-flow --help' : `agent-flow ${command} --help`;
  const suggestion = /^Did you mean (.+)\?$/.exec(message)?.[1];
  const unknown = argv.find(word => !word.startsWith('-'));
  const problem =
    suggestion === undefined
      ? message.replace(/[.?]$/, '')
      : `Unknown command ${oneLine(unknown ?? '')}; did you mean ${suggestion}?`;
  return `${problem}${/\?$/.test(problem) ? '' : '.'} See ${page}`;
}

/** Methods of yargs that its types lack. */
interface UntypedMethods {
  usageConfiguration(options: { readonly 'hide-types': boolean }): void;
  getInternalMethods(): { getUsageInstance(): { cacheHelpMessage: () => void } };
}

/** Complete names of agents and runs where a command takes them, otherwise commands and options. */
function complete(
  current: string,
  argv: { readonly _: readonly (string | number)[]; readonly stateDir?: unknown; readonly from?: unknown },
  byDefault: (done: (error: Error | null, found?: string[]) => void) => void,
  done: (found: string[]) => void,
): void {
  const given = typeof argv.stateDir === 'string' ? argv.stateDir : undefined;
  const words = argv._.slice(1).map(String);
  const names = current.startsWith('-')
    ? null
    : (agentsFrom(words, { current, from: argv.from }, given) ?? namesFor(words, given, process.env));
  if (names !== null) done(names);
  else byDefault((_error, found = []) => done(found));
}
