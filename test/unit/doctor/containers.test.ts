import test from 'ava';
import { checkContainers } from '../../../src/doctor/containers.ts';

const engine = {
  ServerVersion: '28.0.0',
  NCPU: 8,
  MemTotal: 16e9,
  OSType: 'linux',
  Architecture: 'x86_64',
};
const findings = (more: object, env: NodeJS.ProcessEnv = {}) =>
  Object.fromEntries(checkContainers({ ...engine, ...more }, env).map(found => [found.check, found]));

test('an engine without restrictions has one finding', t => {
  t.deepEqual(Object.keys(findings({})), ['limits']);
  t.is(findings({}).limits!.status, 'ok');
});

test('unsupported limits are named, with a hint for rootless and other engines', t => {
  const small = findings({ CpuCfsQuota: false, PidsLimit: false }).limits!;
  t.is(small.status, 'warn');
  t.regex(small.found, /--cpus, --pids-limit/);
  t.regex(small.hint!, /kernel/);
  const rootless = findings({ CpuCfsQuota: false, SecurityOptions: ['name=rootless'] });
  t.regex(rootless.limits!.hint!, /delegate .*rootless/);
  t.is(rootless.users!.status, 'ok');
});

test('an engine that remaps users causes a warning with the owner that workspaces need', t => {
  const SecurityOptions = ['name=seccomp,profile=default', 'name=userns'];
  const { users } = findings({ SecurityOptions, DockerRootDir: '/var/lib/docker/100000.100000' });
  t.is(users!.status, 'warn');
  t.regex(users!.found, /100000:100000 on the host \(userns-remap\)/);
  t.regex(users!.hint!, /"clone".*100000:100000/);
  t.is(findings({ SecurityOptions }).users!.status, 'warn');
});

test('a default platform other than that of the engine causes a warning', t => {
  t.is(findings({}, { DOCKER_DEFAULT_PLATFORM: 'linux/arm64' }).platform!.status, 'warn');
  t.is(findings({}, { DOCKER_DEFAULT_PLATFORM: 'linux/amd64' }).platform, undefined);
});

test('an engine without docker-init causes a warning', t => {
  t.is(findings({ InitBinary: 'docker-init', InitCommit: { ID: 'N/A' } }).init!.status, 'warn');
  for (const InitCommit of [{ ID: '' }, { ID: 'de40ad0' }, {}, null])
    t.is(findings({ InitBinary: 'docker-init', InitCommit }).init, undefined);
});

test('memory limits without swap are hinted at with the kernel command line', t => {
  const { limits } = findings({ SwapLimit: false });
  t.regex(limits!.found, /--memory-swap/);
  t.regex(limits!.hint!, /cgroup_enable=memory swapaccount=1/);
});
