import { escapePids, escapeSuite } from '../engine/escape-suite.ts';
import { place } from '../engine/flow.ts';
import { testLimit } from '../limits.ts';
import { swarmEngines } from './swarm-engines.ts';

const swarm = await swarmEngines(2);
swarm.upForTests();
const worker = swarm.hosts[1]!;

escapeSuite({
  // The folder for temporary files is hidden from the hosts.
  parent: '/var/tmp',
  env: worker.env,
  start: (command, env) => worker.daemon.beside(command, { env }),
  async runHostile(t, script, { workspace, sibling }) {
    t.timeout(testLimit);
    const here = place(t, swarm.env);
    const hostile = {
      command: ['sh', '-c', script],
      workspace: { mode: 'bind', path: workspace, onHost: true },
      mounts: [{ source: sibling, target: '/mounted', readOnly: true, onHost: true }],
      env: { SIBLING: sibling },
      ...{ network: 'none', memory: '256m', cpus: 1, security: { pids: escapePids } },
      placement: { host: worker.name },
    };
    const { exitCode, json, stderr } = await here.run({ target: { swarm: 'manager' }, agents: { hostile } });
    t.is(exitCode, 0, stderr);
    t.is(json.agents.hostile.host, worker.name);
    return { stdout: here.transcript('hostile'), stderr };
  },
});
