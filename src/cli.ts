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

/** Runs one command line; returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let code = 0;
  watchStreams();
  const parser = yargs()
    .scriptName('agent-flow')
    .usage('$0 <command>\n\nRuns AI coding agents, each in its own Docker container with a tmux session.')
    .option('state-dir', {
      type: 'string',
      requiresArg: true,
      describe: 'where runs are remembered (AGENT_FLOW_STATE_DIR)',
      global: true,
    })
    .version('version', 'print the version', version)
    // Of an option that is given twice the last one counts.
    .parserConfiguration({ 'duplicate-arguments-array': false })
    .strict()
    .demandCommand(1, 'Say what to do, for example: agent-flow run spec.json')
    .recommendCommands()
    .exitProcess(false)
    .help('help', 'print this help')
    .group(['state-dir', 'help', 'version'], 'Everywhere:')
    .example('$0 init', 'writes agent-flow.json to begin with')
    .example('$0 run agent-flow.json', 'runs it')
    .example('source <($0 completion)', 'TAB completes names')
    .wrap(widthOfHelp(process.stdout.columns))
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
  parser.completion('completion', 'print a script that makes TAB complete', complete);
  (parser as typeof parser & Unlisted).usageConfiguration({ 'hide-types': true });
  // What TAB asks for is answered, and not run as a command line after that.
  if (argv[0] === '--get-yargs-completions') parser.exitProcess(true);
  try {
    await parser.parseAsync(withStandardInput(withInspectAlone(argv), commandIn(argv)));
    return code;
  } catch (error) {
    return reportError(error);
  }
}

/** Columns of `--help`; in a terminal without a size, or of some columns only, those of a usual one. */
const widthOfHelp = (columns = 80) => (columns < 40 ? 80 : Math.min(100, columns));

const commandIn = (argv: readonly string[]) => {
  const names = commands.flatMap(({ usage }) => [usage].flat().map(form => form.split(' ')[0]!));
  return argv.find(word => names.includes(word));
};

/** What yargs found wrong, with the word that it is about and the page that helps. */
function usageMessage(message: string, argv: readonly string[]): string {
  const command = commandIn(argv);
  const page = command === undefined ? 'agent-flow --help' : `agent-flow ${command} --help`;
  const meant = /^Did you mean (.+)\?$/.exec(message)?.[1];
  const unknown = argv.find(word => !word.startsWith('-'));
  const said =
    meant === undefined
      ? message.replace(/[.?]$/, '')
      : `there is no command ${oneLine(unknown ?? '')}; did you mean ${meant}?`;
  return `${said}${/\?$/.test(said) ? '' : '.'} See ${page}`;
}

/** What yargs has and its types lack. */
interface Unlisted {
  usageConfiguration(options: { readonly 'hide-types': boolean }): void;
}

/** What TAB offers: names of agents and runs where a command takes them, otherwise commands and options. */
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
