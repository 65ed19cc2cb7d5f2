import { connectToAgent } from '../connection/run-connection.ts';
import { attachTerminal } from '../docker/attach-terminal.ts';
import { clientSetting } from '../docker/client-settings.ts';
import { UsageError } from '../errors.ts';
import { openStateDir, stateDirPath } from '../store/state-directory.ts';
import { type Command, type CommonOptions, printLine } from './command.ts';
import { findAgent, inWords } from './find-agent.ts';

interface AttachOptions extends CommonOptions {
  readonly agent: string;
}

export const attach: Command = {
  options: yargs =>
    yargs.positional('agent', {
      type: 'string',
      demandOption: true,
      describe: 'Agent, as AGENT or RUN/AGENT',
    }),

  async handler({ stateDir, agent: name }: AttachOptions) {
    const { agent, folder } = findAgent(openStateDir(stateDirPath(stateDir, process.env)), name);
    if (agent.status !== null)
      throw new UsageError(
        `${name} has already finished (${inWords(agent)}). Run agent-flow logs ${name} to read its output`,
      );
    if (agent.containerId === null) throw new UsageError(`${name} has no container yet: ${inWords(agent)}`);
    if (!process.stdin.isTTY) throw new UsageError('attach requires a terminal on stdin');
    const { recorder } = await connectToAgent(folder, agent.name);
    printLine(`attached to ${name}; detach with Ctrl-b d`);
    const code = await attachTerminal(recorder, [
      'exec',
      '--interactive',
      '--tty',
      ...detachKeys({ ...process.env, ...recorder.env }),
      agent.containerId,
      'tmux',
      'attach',
      '-t',
      '=agent',
    ]);
    if (code !== 0)
      printLine(
        `could not attach to ${name}: it is ${inWords(agent)}. Run agent-flow logs ${name} to read its output`,
      );
    return code === 0 ? 0 : 1;
  },
};

/**
 * Replace docker's default detach keys, which delay every Ctrl-P until the next key, by keys that no program is known to
 * use: tmux has its own. The user's `detachKeys` stay.
 */
const detachKeys = (env: NodeJS.ProcessEnv) =>
  clientSetting('detachKeys', env) === null ? ['--detach-keys=ctrl-^,ctrl-@,ctrl-^'] : [];
