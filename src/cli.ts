import yargs, { type Argv } from 'yargs';
import { attach } from './commands/attach.ts';
import { build } from './commands/build.ts';
import { cleanup } from './commands/cleanup.ts';
import type { Command, CommonOptions } from './commands/command.ts';
import { namesFor } from './commands/completion.ts';
import { daemon } from './commands/daemon.ts';
import { doctor } from './commands/doctor.ts';
import { graph } from './commands/graph.ts';
import { init } from './commands/init.ts';
import { withInspectAlone } from './commands/inspector/option.ts';
import { inspector } from './commands/inspector.ts';
import { logs } from './commands/logs.ts';
import { providers } from './commands/providers.ts';
import { ps } from './commands/ps.ts';
import { reportError } from './commands/report-error.ts';
import { resume } from './commands/resume.ts';
import { run } from './commands/run.ts';
import { send } from './commands/send.ts';
import { withStandardInput } from './commands/standard-input.ts';
import { stop } from './commands/stop.ts';
import { watchStreams } from './commands/streams.ts';
import { validate } from './commands/validate.ts';
import { UsageError } from './errors.ts';
import { version } from './package.ts';
import { oneLine } from './text/text.ts';

const commands: readonly Command[] = [
  run,
  resume,
  daemon,
  ps,
  logs,
  attach,
  send,
  stop,
  cleanup,
  build,
  validate,
  graph,
  providers,
  inspector,
  doctor,
  init,
];

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
    .version('version', 'Print the version', version)
    // The last value of a repeated option counts.
    .parserConfiguration({ 'duplicate-arguments-array': false })
    .strict()
    .demandCommand(1, 'Missing command, for example: agent-flow run spec.json')
    .recommendCommands()
    .exitProcess(false)
    .help('help', 'Print this help')
    .group(['state-dir', 'help', 'version'], 'Global options:')
    .example('$0 init', 'Create agent-flow.json')
    .example('$0 run agent-flow.json', 'Run it')
    .example('source <($0 completion)', 'Complete names with TAB')
    .wrap(helpWidth(process.stdout.columns))
    .fail((message, error) => {
      if (!message) throw error;
      throw new UsageError(usageMessage(message, argv));
    });
  for (const command of commands)
    parser.command(
      command.usage,
      command.describe,
      builder => command.options(builder as Argv<CommonOptions>) as typeof builder,
      async args => {
        code = await command.handler(args as CommonOptions);
      },
    );
  parser.completion('completion', 'Print a shell completion script', complete);
  (parser as typeof parser & UsageConfigurable).usageConfiguration({ 'hide-types': true });
  // Exit after completing: the rest of the line must not run as a command.
  if (argv[0] === '--get-yargs-completions') parser.exitProcess(true);
  try {
    await parser.parseAsync(withStandardInput(withInspectAlone(argv), commandIn(argv)));
    return code;
  } catch (error) {
    return reportError(error);
  }
}

/** Return the columns of `--help`: 80 where the terminal has no size or is too narrow. */
const helpWidth = (columns = 80) => (columns < 40 ? 80 : Math.min(100, columns));

const commandIn = (argv: readonly string[]) => {
  const names = commands.flatMap(({ usage }) => [usage].flat().map(form => form.split(' ')[0]!));
  return argv.find(word => names.includes(word));
};

/** Return the message of yargs, with the word it is about and the help page to read. */
function usageMessage(message: string, argv: readonly string[]): string {
  const command = commandIn(argv);
  const page = command === undefined ? 'agent-flow --help' : `agent-flow ${command} --help`;
  const suggestion = /^Did you mean (.+)\?$/.exec(message)?.[1];
  const unknown = argv.find(word => !word.startsWith('-'));
  const problem =
    suggestion === undefined
      ? message.replace(/[.?]$/, '')
      : `Unknown command ${oneLine(unknown ?? '')}; did you mean ${suggestion}?`;
  return `${problem}${/\?$/.test(problem) ? '' : '.'} See ${page}`;
}

/** A method of yargs that its types lack. */
interface UsageConfigurable {
  usageConfiguration(options: { readonly 'hide-types': boolean }): void;
}

/** Complete names of agents and runs where a command takes them, otherwise commands and options. */
function complete(
  current: string,
  argv: { readonly _: readonly (string | number)[]; readonly stateDir?: unknown },
  byDefault: (done: (error: Error | null, found?: string[]) => void) => void,
  done: (found: string[]) => void,
): void {
  const given = typeof argv.stateDir === 'string' ? argv.stateDir : undefined;
  const names = current.startsWith('-') ? null : namesFor(argv._.slice(1).map(String), given, process.env);
  if (names !== null) done(names);
  else byDefault((_error, found = []) => done(found));
}
