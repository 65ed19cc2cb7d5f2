import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { containerName, proxyNames } from '../../src/agent-container/names.ts';
import { dockerCli } from '../../src/docker/cli.ts';
import { nullRecorder } from '../../src/docker/recorder.ts';
import { ensureServiceImage } from '../../src/images/service-image.ts';
import { proxyArgs } from '../../src/networks/proxy-args.ts';
import { blockedHosts } from '../../src/networks/proxy-log.ts';
import { image } from './box.ts';

const docker = async (...args: string[]) => (await execa('docker', args, { timeout: 60_000 })).stdout.trim();

/** A name server that resolves a few names, and prints every name that it is asked for. */
const nameServer = `
const names = { 'metadata.example.com': '169.254.169.254', 'inner.example.com': '10.1.2.3', 'mapped.example.com': '127.0.0.1' };
const socket = require('node:dgram').createSocket('udp4');
socket.on('message', (question, from) => {
  const labels = [];
  let at = 12;
  for (; question[at]; at += question[at] + 1) labels.push(question.toString('latin1', at + 1, at + 1 + question[at]));
  const name = labels.join('.').toLowerCase();
  const isAddress = question.readUInt16BE(at + 1) === 1;
  console.log(name);
  const address = isAddress && names[name] ? Buffer.from(names[name].split('.').map(Number)) : null;
  const head = Buffer.alloc(12);
  question.copy(head, 0, 0, 2);
  head.writeUInt16BE(names[name] ? 0x8180 : 0x8183, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(address ? 1 : 0, 6);
  const record = address ? [Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]), address] : [];
  socket.send(Buffer.concat([head, question.subarray(12, at + 5), ...record]), from.port, from.address);
});
socket.bind(53, () => console.log('begun'));`;

/** Return a label; everything with it is removed with the test. */
function labelled(t: ExecutionContext): string {
  const label = `agent-flow-test=${randomUUID()}`;
  t.teardown(async () => {
    const left = (await docker('ps', '-aq', `--filter=label=${label}`)).split('\n').filter(Boolean);
    if (left.length > 0) await docker('rm', '--force', '--volumes', ...left);
    const networks = (await docker('network', 'ls', '-q', `--filter=label=${label}`)).split('\n');
    for (const id of networks.filter(Boolean)) await docker('network', 'rm', id);
  });
  return label;
}

const proxyImage = async () => {
  const source = join(import.meta.dirname, '..', '..', 'docker');
  return (await ensureServiceImage('proxy', 600_000, { docker: dockerCli(nullRecorder), source })).id;
};

test('the proxy distinguishes clients that have one IP address in quick succession', async t => {
  const label = labelled(t);
  const runId = `r${randomUUID().slice(0, 7)}`;
  const hosts = ['a.example.com'];
  const names = proxyNames(runId, hosts);
  const own = { instance: 'none', runId, names, image: await proxyImage() };
  const network = await docker('network', 'create', '--internal', `--label=${label}`, names.inside);
  const [create = '', name = '', , ...args] = proxyArgs(own, { hosts, secretHosts: [] }).filter(
    arg => !arg.startsWith('--label='),
  );
  const proxy = await docker(create, name, `--label=${label}`, `--network=${network}`, ...args);
  await docker('start', proxy);

  const client = (attempt: number) => {
    const url = `http://host${attempt}.example.net/`;
    const script = `until curl -s -x ${names.proxy}:3128 -o /dev/null ${url}; do sleep 0.1; done; hostname -i`;
    return docker(
      ...['create', `--network=${network}`, `--label=${label}`],
      ...[`--name=${containerName(runId, 'worker', attempt)}`, '--entrypoint=timeout'],
      ...['--', base, '60', 'sh', '-c', script],
    );
  };
  const base = await image;
  const attempts = [1, 2, 3, 4, 5, 6];
  const clients = await Promise.all(attempts.map(client));
  const addresses: string[] = [];
  for (const id of clients) addresses.push(await docker('start', '--attach', id));
  t.is(new Set(addresses).size, 1);

  const log = (await docker('logs', proxy)).split('\n');
  for (const attempt of attempts) {
    const blocked = blockedHosts(runId, 'worker', attempt);
    for (const line of log) blocked.read(line);
    t.deepEqual(blocked.hosts(), [`host${attempt}.example.net:80`]);
  }
});

test('the proxy resolves only listed names, and refuses those with an internal address', async t => {
  const label = labelled(t);
  const server = await docker(
    ...['run', '--detach', '--init', `--label=${label}`, '--entrypoint=node', await image],
    ...['-e', nameServer],
  );
  const address = await docker('inspect', '--format={{.NetworkSettings.IPAddress}}', server);

  const hosts = ['*.example.com'];
  const names = proxyNames(`r${randomUUID().slice(0, 7)}`, hosts);
  const [, , network, ...args] = proxyArgs(
    { instance: 'none', runId: 'r0000000', names, image: await proxyImage() },
    { hosts, secretHosts: [] },
  );
  t.is(network, `--network=${names.outside}`);
  // On the default bridge, Docker has no name server of its own.
  const ours = args.filter(arg => !arg.startsWith('--label='));
  const proxy = await docker('create', `--label=${label}`, `--dns=${address}`, ...ours);
  await docker('start', proxy);

  /** Return the status of the proxy's reply. */
  const statusOf = async (request: string) => {
    const script = 'exec 3<>/dev/tcp/127.0.0.1/3128 && printf "%s\\r\\n\\r\\n" "$0" >&3 && head -c 12 <&3';
    const args = ['exec', proxy, 'timeout', '20', 'bash', '-c', script, request];
    const { stdout } = await execa('docker', args, { reject: false });
    return stdout.split(' ')[1];
  };
  while ((await statusOf('GET / HTTP/1.0')) === undefined) await new Promise(done => setTimeout(done, 200));

  for (const name of ['metadata', 'inner', 'mapped']) {
    t.is(await statusOf(`GET http://${name}.example.com/ HTTP/1.0`), '403', name);
    t.is(await statusOf(`CONNECT ${name}.example.com:443 HTTP/1.0`), '403', name);
  }
  t.is(await statusOf('GET http://secret.evil.example.net/ HTTP/1.0'), '403');
  t.is(await statusOf('CONNECT secret.evil.example.net:443 HTTP/1.0'), '403');
  // A listed name that does not exist is not refused: its lookup fails.
  t.regex((await statusOf('GET http://missing.example.com/ HTTP/1.0')) ?? '', /^50[23]$/);
  const lookedUp = (await docker('logs', server)).split('\n');
  for (const name of ['metadata', 'inner', 'mapped', 'missing'])
    t.true(lookedUp.includes(`${name}.example.com`), name);
  t.false(
    lookedUp.some(name => name.includes('evil')),
    lookedUp.join(' '),
  );
});
