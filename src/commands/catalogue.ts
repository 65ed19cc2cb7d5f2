import type { Command } from './command.ts';

/**
 * A command of the command line, whose module is loaded when it is used. Commands that are not called by scripts all the
 * time share one: each module of its own splits the bundle into more files, of which each takes a millisecond to load.
 */
export interface CommandEntry {
  /** Name and positionals in the syntax of yargs; several with aliases. */
  readonly usage: string | readonly string[];
  readonly describe: string;
  load(): Promise<Command>;
}

/** All commands, in the order of `--help`. */
export const commands: readonly CommandEntry[] = [
  {
    usage: 'run <spec>',
    describe: 'Run the agents of a spec',
    load: async () => (await import('./run.ts')).run,
  },
  {
    usage: 'resume [run]',
    describe: 'Resume an interrupted run',
    load: async () => (await import('./driving.ts')).resume,
  },
  {
    usage: 'rerun <run>',
    describe: 'Repeat what did not succeed in a run',
    load: async () => (await import('./driving.ts')).rerun,
  },
  {
    usage: 'daemon [action]',
    describe: 'Resume interrupted runs automatically',
    load: async () => (await import('./driving.ts')).daemon,
  },
  {
    usage: 'ps',
    describe: 'List agents of active runs',
    load: async () => (await import('./ps.ts')).ps,
  },
  {
    usage: 'logs <agent>',
    describe: "Print an agent's output",
    load: async () => (await import('./managing.ts')).logs,
  },
  {
    usage: 'attach <agent>',
    describe: "Attach to an agent's tmux session (detach with Ctrl-b d)",
    load: async () => (await import('./managing.ts')).attach,
  },
  {
    usage: 'send <agent> [text..]',
    describe: "Type text into an agent's session and press Enter",
    load: async () => (await import('./managing.ts')).send,
  },
  {
    usage: 'approve <run> [agent]',
    describe: 'Approve what a run waits for',
    load: async () => (await import('./managing.ts')).approve,
  },
  {
    usage: 'reject <run> [agent]',
    describe: 'Reject what a run waits for',
    load: async () => (await import('./managing.ts')).reject,
  },
  {
    usage: ['stop [target]', 'down [target]'],
    describe: 'Stop and remove a run, or one of its agents',
    load: async () => (await import('./managing.ts')).stop,
  },
  {
    usage: 'cleanup',
    describe: 'Remove containers left behind by runs',
    load: async () => (await import('./managing.ts')).cleanup,
  },
  {
    usage: 'build',
    describe: 'Build the base image, or the image of an AI CLI',
    load: async () => (await import('./managing.ts')).build,
  },
  {
    usage: 'nodes',
    describe: 'List the nodes of a Docker Swarm',
    load: async () => (await import('./managing.ts')).nodes,
  },
  {
    usage: 'validate <spec>',
    describe: 'Check a spec without starting anything',
    load: async () => (await import('./validate.ts')).validate,
  },
  {
    usage: 'graph [spec]',
    describe: 'Render a statechart, a flow, or the path a run took',
    load: async () => (await import('./managing.ts')).graph,
  },
  {
    usage: 'providers',
    describe: 'List the AI CLIs and the logins found on this machine',
    load: async () => (await import('./managing.ts')).providers,
  },
  {
    usage: 'inspector [run]',
    describe: 'Open a run in the local inspector (live or replay)',
    load: async () => (await import('./managing.ts')).inspector,
  },
  {
    usage: 'doctor',
    describe: 'Check prerequisites',
    load: async () => (await import('./managing.ts')).doctor,
  },
  {
    usage: 'init [dir]',
    describe: 'Create a first spec, or copy an example',
    load: async () => (await import('./managing.ts')).init,
  },
];

/** Return the commands that a word of the command line names: the one that it runs is among them. */
export const namedIn = (argv: readonly string[]): readonly CommandEntry[] =>
  commands.filter(command => namesOf(command).some(name => argv.includes(name)));

/** Return the first word that is the name of a command. */
export const firstNameIn = (argv: readonly string[]): string | undefined => {
  const names = commands.flatMap(namesOf);
  return argv.find(word => names.includes(word));
};

const namesOf = ({ usage }: CommandEntry): readonly string[] =>
  [usage].flat().map(form => form.split(' ')[0]!);
