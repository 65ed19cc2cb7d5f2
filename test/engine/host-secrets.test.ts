import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { eventually, isRunning, type Place, place, small } from './flow.ts';
import { hosts, type TlsOutside, tlsOutside } from './tls-outside.ts';

const token = 'real-token-4Zq7d81kxQ93hfq0x2';

const docker = async (...args: string[]) =>
  (await execa('docker', args, { reject: false, timeout: 60_000 })).stdout.trim();

const secret = { name: 'FORGE_TOKEN', hosts: [hosts.api, hosts.git] };

/** Every form in which the token could be found. */
const forms = [token, btoa(token), btoa(`x-access-token:${token}`).slice(20)];
const holdsToken = (text: string | Buffer) => forms.some(form => text.includes(form));

const helper = `!f() { echo username=x-access-token; echo "password=$FORGE_TOKEN"; }; f`;
const work = `
env >env
curl -sS -m 30 -i -H "Authorization: token $FORGE_TOKEN" https://${hosts.api}/curl >curl 2>&1
node -e 'fetch("https://${hosts.api}/node", { headers: { authorization: "Bearer " + process.env.FORGE_TOKEN } })
  .then(r => r.text()).then(console.log, error => console.log(error.cause ?? error))' >node 2>&1
curl -sS -m 30 -k -H "Authorization: Bearer $FORGE_TOKEN" https://${hosts.other}/other >other 2>&1
curl -sS -m 30 -H "Authorization: Bearer $FORGE_TOKEN" https://${hosts.other}/verified >verified 2>&1
export HOME=/tmp/home GIT_TERMINAL_PROMPT=0
mkdir -p $HOME && cd $HOME && git init -q repo && cd repo
git config --global credential.helper '${helper}'
git -c user.name=x -c user.email=x@example.com commit -q --allow-empty -m "From the agent"
git push https://${hosts.git}/git/repo.git HEAD:refs/heads/main >/workspace/push 2>&1
git clone -q https://${hosts.git}/git/repo.git ../again >>/workspace/push 2>&1
cd /workspace; touch worked`;

const until = (name: string) => `until [ -e ${name} ]; do sleep 0.1; done`;
const leave = (here: Place, name: string) => writeFileSync(join(here.workspace, name), '');
const read = (here: Place, name: string) => readFileSync(join(here.workspace, name), 'utf8');
const has = (here: Place, name: string) => readdirSync(here.workspace).includes(name);
const proxyOf = async (here: Place) => (await here.containers(['label=tmux-agents.role=proxy']))[0];

const filesWithToken = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    name => statSync(join(folder, name)).isFile() && holdsToken(readFileSync(join(folder, name))),
  );

async function start(t: ExecutionContext, agents: object) {
  const here = place(t);
  const certificates = join(here.path, 'certificates');
  mkdirSync(certificates);
  const world = await tlsOutside(certificates, token);
  t.teardown(world.close);
  const env = { ...here.env, FORGE_TOKEN: token, NODE_EXTRA_CA_CERTS: world.authority };
  const run = here.start(['run', here.write({ agents, concurrency: 2 }), '--json'], { env });
  return { here, world, run };
}

const agent = (script: string, network: unknown, more: object = {}) => ({
  command: ['sh', '-c', script],
  workspace: 'workspace',
  network,
  ...small,
  ...more,
});

/** Check what the agent has, what the hosts have seen, and what is left on this machine. */
async function checkWork(t: ExecutionContext, here: Place, world: TlsOutside) {
  const inside = '/proc/[0-9]*/environ /proc/[0-9]*/cmdline';
  const files = 'find /run /dev/shm /tmp /root /home /workspace -type f -exec cat {} +';
  const [id] = await here.containers(['label=tmux-agents.agent=worker']);
  const seen = await docker('exec', id!, 'sh', '-c', `{ cat ${inside}; ${files}; } 2>/dev/null`);
  t.regex(seen, /FORGE_TOKEN=agent_flow_/);
  t.false(holdsToken(seen));
  const names = ['env', 'curl', 'node', 'other', 'verified', 'push'];
  for (const file of names) t.false(holdsToken(read(here, file)), file);
  const requests = await world.requests();
  const authorizationOf = (url: string) => requests.find(request => request.url === url)?.authorization;
  t.is(authorizationOf('/curl'), `Bearer ${token}`, read(here, 'curl'));
  t.is(authorizationOf('/node'), `Bearer ${token}`, read(here, 'node'));
  t.regex(read(here, 'curl'), /"authorization":"Bearer \[secret\]"/);
  t.regex(String(authorizationOf('/other')), /^Bearer agent_flow_/, read(here, 'other'));
  // The authority of the run is not that of other hosts, whose certificates are verified as before.
  t.is(authorizationOf('/verified'), undefined);
  t.regex(read(here, 'verified'), /certificate|self.signed/i);
  t.is(await world.subjectOf('main'), 'From the agent', read(here, 'push'));
  for (const container of await here.containers())
    t.false(holdsToken(await docker('container', 'inspect', container)));
  t.deepEqual(filesWithToken(here.stateDir), []);
}

for (const network of ['shared', 'isolated', { allow: Object.values(hosts) }])
  test.serial(`only the hosts of a secret see it, network ${JSON.stringify(network)}`, async t => {
    const script = `${until('go')}; ${work}; ${until('end')}`;
    const { here, world, run } = await start(t, {
      worker: agent(script, network, { secrets: [secret] }),
    });
    await eventually(isRunning(here, 'worker'), 'a running agent');
    await world.connect((await proxyOf(here))!);
    leave(here, 'go');
    await eventually(() => has(here, 'worked'), 'the end of its work');
    await checkWork(t, here, world);
    leave(here, 'end');
    const { stdout, stderr } = await run;
    t.is(JSON.parse(String(stdout)).agents.worker.status, 'succeeded', String(stderr));
    t.deepEqual([...(await here.containers()), ...(await here.networks())], []);
  });

test.serial(
  'another agent gets nothing for a placeholder, and a killed proxy comes back with the secret',
  async t => {
    const network = { allow: Object.values(hosts) };
    const ask = (name: string) =>
      `curl -sS -k -m 30 -H "Authorization: Bearer $(cat placeholder)" https://${hosts.api}/${name} >${name} 2>&1`;
    const first = `printf %s "$FORGE_TOKEN" >placeholder; ${until('failed')}; exit 1`;
    const second = `${until('again')}; ${ask('second')}; exit 0`;
    const { here, world, run } = await start(t, {
      worker: agent(`if [ -e second-attempt ]; then ${second}; fi; touch second-attempt; ${first}`, network, {
        secrets: [secret],
        retries: 1,
      }),
      thief: agent(`${until('go')}; ${ask('stolen')}; touch tried`, network),
    });
    await eventually(() => has(here, 'placeholder'), 'the placeholder');
    await eventually(isRunning(here, 'thief'), 'the other agent');
    const proxy = (await proxyOf(here))!;
    await world.connect(proxy);
    leave(here, 'go');
    await eventually(() => has(here, 'tried'), 'the request of the other agent');
    const placeholder = read(here, 'placeholder');
    const requests = await world.requests();
    t.is(requests.find(({ url }) => url === '/stolen')?.authorization, `Bearer ${placeholder}`);

    await docker('kill', proxy);
    leave(here, 'failed');
    const isOther = async () => {
      const found = await proxyOf(here);
      return found === proxy ? undefined : found;
    };
    const next = await eventually(isOther, 'another proxy');
    const isSecond = () =>
      here
        .journal()
        .some(
          event =>
            event.type === 'agent.state' &&
            event.agent === 'worker' &&
            event.attempt === 2 &&
            event.state.startsWith('running'),
        );
    await eventually(isSecond, 'the second attempt');
    await world.connect(next);
    leave(here, 'again');
    const { stdout, stderr } = await run;
    t.is(JSON.parse(String(stdout)).agents.worker.status, 'succeeded', String(stderr));
    const last = (await world.requests()).find(({ url }) => url === '/second');
    t.is(last?.authorization, `Bearer ${token}`);
    t.false(holdsToken(read(here, 'second')));
  },
);
