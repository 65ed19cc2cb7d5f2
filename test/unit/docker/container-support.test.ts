import test from 'ava';
import {
  containerSupportOf,
  rawContainerSupport,
  unrestrictedEngine,
} from '../../../src/docker/engine-info.ts';

const supportOf = (info: object) => containerSupportOf(rawContainerSupport.parse(info));

/** `docker info` of Docker 20.10. */
const dockerInfo = {
  OSType: 'linux',
  Architecture: 'x86_64',
  DockerRootDir: '/var/lib/docker',
  SecurityOptions: ['name=seccomp,profile=default'],
  MemoryLimit: true,
  SwapLimit: true,
  CpuCfsQuota: true,
  PidsLimit: true,
};

test('a default engine has no restrictions', t => {
  t.deepEqual(supportOf(dockerInfo), { ...unrestrictedEngine, platform: 'linux/amd64' });
});

test('a limit that an engine does not report counts as supported', t => {
  t.deepEqual(supportOf({}), unrestrictedEngine);
  t.deepEqual(supportOf({ SecurityOptions: null, MemoryLimit: null }), unrestrictedEngine);
});

test('each limit that the engine lacks is found', t => {
  const none = { MemoryLimit: false, SwapLimit: false, CpuCfsQuota: false, PidsLimit: false };
  t.deepEqual(supportOf({ ...dockerInfo, ...none }).supportedLimits, {
    cpus: false,
    memory: false,
    swap: false,
    pids: false,
  });
  const rootless = supportOf({
    ...dockerInfo,
    SecurityOptions: ['name=seccomp,profile=builtin', 'name=rootless', 'name=cgroupns'],
    CpuCfsQuota: false,
  });
  t.true(rootless.isRootless);
  t.false(rootless.isRemapped);
  t.deepEqual(rootless.supportedLimits, { cpus: false, memory: true, swap: true, pids: true });
});

test('the host ids of root are read from the root directory of an engine with userns-remap', t => {
  const SecurityOptions = ['name=seccomp,profile=default', 'name=userns'];
  const mapped = (DockerRootDir: string) => supportOf({ ...dockerInfo, SecurityOptions, DockerRootDir });
  t.like(mapped('/var/lib/docker/100000.200000'), {
    isRemapped: true,
    remappedRoot: { uid: 100_000, gid: 200_000 },
  });
  t.like(mapped('/var/lib/docker'), { isRemapped: true, remappedRoot: null });
  t.like(supportOf({ ...dockerInfo, DockerRootDir: '/srv/1.2' }), { isRemapped: false, remappedRoot: null });
});

test('the platform of an engine uses the architecture names of images', t => {
  const platform = (Architecture: string) => supportOf({ ...dockerInfo, Architecture }).platform;
  t.is(platform('x86_64'), 'linux/amd64');
  t.is(platform('aarch64'), 'linux/arm64');
  t.is(platform('riscv64'), 'linux/riscv64');
  t.is(platform('amd64'), 'linux/amd64');
});
