import test from 'ava';
import { modelServerArgs } from '../../../src/provider-check/model-server.ts';

test('the stub has no rights, and the labels by which it is removed', t => {
  const args = modelServerArgs({
    owner: { instance: '0123456789abcdef', runId: 'r0000001' },
    image: 'sha256:1',
    supportedLimits: { cpus: true, memory: true, swap: true, pids: true } as never,
  });
  for (const flag of [
    '--network=tmux-agents-r0000001-model-stub',
    '--user=65534:65534',
    '--cap-drop=ALL',
    '--security-opt=no-new-privileges',
    '--read-only',
    '--label=tmux-agents.instance=0123456789abcdef',
    '--label=tmux-agents.run-id=r0000001',
    '--label=tmux-agents.role=model-stub',
  ])
    t.true(args.includes(flag), flag);
  t.deepEqual(args.slice(-2), ['--', 'sha256:1']);
});
