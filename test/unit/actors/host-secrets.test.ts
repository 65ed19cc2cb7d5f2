import test from 'ava';
import type { ActorContext } from '../../../src/actors/context.ts';
import { beginInjection } from '../../../src/actors/inject.ts';
import type { Docker } from '../../../src/docker/cli.ts';
import type { GrantMessage } from '../../../src/secret-proxy/grants.ts';
import { vaultOf } from '../../../src/secrets/vault.ts';
import { noNetworks } from '../_helpers/actor-ports.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';

const certificate = '-----BEGIN CERTIFICATE-----\nb3Vycw==\n-----END CERTIFICATE-----\n';
const byHost = { hosts: ['api.example.com:443'], header: 'Authorization: Bearer $' };
const agent = {
  ...defaultPlan,
  name: 'worker',
  secrets: [
    { name: 'FORGE_TOKEN', file: null, byHost },
    { name: 'PLAIN', file: null },
  ],
};
const env = { FORGE_TOKEN: 'the-value-of-the-forge', PLAIN: 'the-plain-value' };

test('an agent gets a placeholder and a certificate, and its proxy the secret', async t => {
  const granted: GrantMessage[] = [];
  const sealed: string[] = [];
  let script = '';
  const docker: Docker = async (args, { input = '' } = {}) => {
    script = String(input);
    return { args, ok: true, exitCode: 0, stdout: 'started\n', stderr: '', interrupted: null };
  };
  const vault = vaultOf({ name: 'f', concurrency: null, agents: [agent] }, env);
  const context = {
    clock: { now: () => 7 },
    docker,
    vault,
    plan: () => agent,
    launchedPlan: () => agent,
    placeholder: (name: string, secret: string) => `${name}-${secret}`.toLowerCase(),
    shareOfBudget: async () => null,
    networks: {
      ...noNetworks,
      async grant(message: GrantMessage) {
        granted.push(message);
        return certificate;
      },
    },
    seals: {
      async seal(_: unknown, values: readonly string[]) {
        sealed.push(...values);
        return true;
      },
    },
  } as unknown as ActorContext;
  const input = { name: 'worker', attempt: 1, containerId: 'c', image: null, injectedAt: null };
  const step = { ...input, inDoubt: false, cancelled: false };
  await beginInjection(context, step as never, new AbortController().signal);

  const [, placeholder = ''] = /^export FORGE_TOKEN='?(agent_flow_worker-forge_token)'?$/m.exec(script) ?? [];
  t.not(placeholder, '', script);
  t.like(granted[0], { agent: 'worker', grants: [{ placeholder, value: env.FORGE_TOKEN, ...byHost }] });
  t.false(script.includes(env.FORGE_TOKEN));
  t.true(script.includes(env.PLAIN));
  t.true(script.includes('b3Vycw=='));
  t.deepEqual(sealed, [env.PLAIN]);
  t.is(vault.redactor.text(`x ${env.FORGE_TOKEN}`), 'x [secret]');
});
