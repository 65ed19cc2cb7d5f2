import type { AgentPlan } from '../../../src/spec/plan.ts';
import { defaultSecurity } from '../../../src/spec/security-fields.ts';

/** The plan of an agent whose spec sets only a command. */
export const defaultPlan: AgentPlan = {
  name: 'default',
  dependsOn: [],
  provider: 'command',
  command: ['true'],
  stdin: 'terminal',
  interactive: null,
  report: null,
  settings: [],
  prompt: null,
  image: null,
  build: null,
  user: null,
  gpus: null,
  workspace: { mode: 'bind', path: '/' },
  artifacts: [],
  network: { mode: 'bridge', name: 'tmux-agents' },
  mounts: [],
  auth: { files: [], sshAgent: null },
  env: {},
  secrets: [],
  security: defaultSecurity,
  labels: {},
  memory: 4 * 2 ** 30,
  cpus: null,
  timeouts: { build: 60_000, ready: 60_000, run: 60_000, idle: null, stalled: null, stop: 1_000 },
  retries: 0,
  keep: 'never',
  done: 'exit',
};
