import type { Job } from './job.ts';

/** PID 1, the wait and the injection are those of floor.sh. */
const entry = `mkfifo /tmp/pane
tmux new-session -d -s agent -x 200 -y 50 sh \\; pipe-pane -t =agent: "exec cat >/tmp/pane"
cat /tmp/pane
read -r code </tmp/code
exit "$code"`;

export const entrypoint = ['sh', '-c', entry];
export const waitForTmux = 'until tmux has-session -t =agent 2>/dev/null; do sleep 0.02; done';
export const sendKeys = (command: string) => [
  'tmux',
  'send-keys',
  '-t',
  '=agent:',
  `${command}; echo $? >/tmp/code; exit`,
  'Enter',
];

export const labels = (name: string, label: string): Record<string, string> => {
  const [key = '', value = ''] = label.split('=');
  return {
    [key]: value,
    'bench.agent-id': `bench/${name}`,
    'bench.session-name': 'agent',
    'bench.ai-provider': 'command',
    'bench.created-at': '2026-01-01T00:00:00.000Z',
    'bench.instance': '90410cac8734ed1d',
    'bench.run-id': 'rbnpk4ya',
    'bench.agent': name,
    'bench.attempt': '1',
    'bench.spec-hash': '393177793b38703e2a38955e1dfb1c78',
    'bench.role': 'agent',
  };
};

export const env = { TMUX: '', TMUX_TMPDIR: '' };
export const network = 'tmux-agents';

/** The flags of floor.sh, as the engine's API has them. */
export const hostConfig = ({ cpus }: Job) => ({
  Init: true,
  RestartPolicy: { Name: 'no' },
  CapDrop: ['ALL'],
  CapAdd: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'],
  SecurityOpt: ['no-new-privileges'],
  Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
  LogConfig: {
    Type: 'json-file',
    Config: { mode: 'blocking', 'max-size': '67108864', 'max-file': '3', compress: 'false' },
  },
  PidsLimit: 4096,
  Memory: 4 * 2 ** 30,
  MemorySwap: 4 * 2 ** 30,
  NanoCpus: cpus * 1e9,
});

/** Throw if the agent did not print its line or did not succeed. */
export function assertSucceeded(output: string, exitCode: number): void {
  if (exitCode !== 0 || !/hello\r?$/m.test(output))
    throw new Error(`the agent exited with ${exitCode}: ${output}`);
}
