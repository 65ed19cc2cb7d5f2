import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { eventually, isRunning, place, small } from '../engine/flow.ts';
import { image } from '../engine/images.ts';
import { hosts, tlsOutside } from '../engine/tls-outside.ts';

const token = 'real-token-4Zq7d81kxQ93hfq0x2';

const work = `
until [ -e go ]; do sleep 0.1; done
export HOME=/tmp/home && mkdir -p $HOME/package && cd $HOME/package
GH_HOST=${hosts.git} GH_ENTERPRISE_TOKEN=$FORGE_TOKEN gh api /repos/me/mine >/workspace/gh 2>&1
echo '{"name": "mine", "version": "1.0.0"}' >package.json
echo '//${hosts.api}/npm/:_authToken=$\${FORGE_TOKEN}' >$HOME/.npmrc
npm publish --registry=https://${hosts.api}/npm/ >/workspace/npm 2>&1`;

test('gh and npm publish work with the placeholder of a secret', async t => {
  const here = place(t);
  const certificates = join(here.path, 'certificates');
  mkdirSync(certificates);
  const world = await tlsOutside(certificates, token);
  t.teardown(world.close);
  const name = await image(
    t,
    'FROM tmux-agents-base:latest\nRUN apt-get update && apt-get install -y --no-install-recommends gh\n',
  );
  const worker = {
    ...{ command: ['sh', '-c', work], workspace: 'workspace', image: name },
    ...{ ...small, memory: '512m' },
    secrets: [{ name: 'FORGE_TOKEN', hosts: [hosts.api, hosts.git] }],
  };
  const env = { ...here.env, FORGE_TOKEN: token, NODE_EXTRA_CA_CERTS: world.authority };
  const run = here.start(['run', here.write({ agents: { worker } }), '--json'], { env });
  const ended = run.then(({ stderr }) => Promise.reject(new Error(`the run has ended: ${stderr}`)));
  const proxyOf = async () => (await here.containers(['label=tmux-agents.role=proxy', 'status=running']))[0];
  await world.connect(await Promise.race([eventually(proxyOf, 'the proxy'), ended]));
  await Promise.race([eventually(isRunning(here, 'worker'), 'a running agent'), ended]);
  ended.catch(() => {});
  mkdirSync(join(here.workspace, 'go'));
  await run;
  const requests = await world.requests();
  const sent = (url: string) => requests.find(request => request.url === url)?.authorization;
  const output = (file: string) => readFileSync(join(here.workspace, file), 'utf8');
  t.is(sent('/api/v3/repos/me/mine'), `Bearer ${token}`, output('gh'));
  t.is(sent('/npm/mine'), `Bearer ${token}`, output('npm'));
  for (const file of ['gh', 'npm']) t.false(output(file).includes(token));
});
