import { connectToRun } from '../connection/run-connection.ts';
import { clientSetting } from '../docker/client-settings.ts';
import { attachTerminal } from '../docker/stream.ts';
import { UsageError } from '../errors.ts';
import { openStateDir, stateDirPath } from '../store/state-directory.ts';
import { type Command, type CommonOptions, say } from './command.ts';
import { findAgent } from './find-agent.ts';

interface AttachOptions extends CommonOptions {
  readonly agent: string;
}

export const attach: Command = {
  usage: 'attach <agent>',
  describe: "attach this terminal to an agent's tmux session (leave it with Ctrl-b d)",
  options: yargs =>
    yargs.positional('agent', {
      type: 'string',
      demandOption: true,
      describe: 'agent, or run/agent',
    }),

  async handler({ stateDir, agent: name }: AttachOptions) {
    const { agent, folder } = findAgent(openStateDir(stateDirPath(stateDir, process.env)), name);
    if (agent.status !== null)
      throw new UsageError(`${name} is over: it has ${agent.status}. Try agent-flow logs ${name}`);
    if (agent.containerId === null)
      throw new UsageError(`${name} has no container: it is ${agent.status ?? agent.state}`);
    if (!process.stdin.isTTY) throw new UsageError('attach needs a terminal');
    const { recorder } = await connectToRun(folder);
    say(`attached to ${name}: leave with Ctrl-b d`);
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
      say(`${name} cannot be attached to: it is ${agent.status ?? agent.state}. Try agent-flow logs ${name}`);
    return code === 0 ? 0 : 1;
  },
};

/**
 * Docker holds back the first of its own keys, Ctrl-P, until the next one is typed. tmux has keys to leave with, so
 * docker's become some that no program is known to use. Those that a user has chosen stay.
 */
const detachKeys = (env: NodeJS.ProcessEnv) =>
  clientSetting('detachKeys', env) === null ? ['--detach-keys=ctrl-^,ctrl-@,ctrl-^'] : [];
