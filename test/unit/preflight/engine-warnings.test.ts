import test from 'ava';
import { unrestrictedEngine } from '../../../src/docker/engine-info.ts';
import { allLimits } from '../../../src/docker/resource-limits.ts';
import { engineWarnings, ignoredPlatform } from '../../../src/preflight/engine-warnings.ts';

test('an engine that supports all limits causes no warning', t => {
  t.deepEqual(engineWarnings(unrestrictedEngine, {}), []);
});

test('one warning names all unsupported limits', t => {
  const supportedLimits = { ...allLimits, cpus: false, pids: false };
  const warnings = engineWarnings({ ...unrestrictedEngine, supportedLimits }, {});
  t.is(warnings.length, 1);
  t.regex(warnings[0]!, /does not support --cpus, --pids-limit: agents run without/);
});

test("a default platform other than the engine's is ignored with a warning", t => {
  const platform = 'linux/amd64';
  const ignored = (value: string) => ignoredPlatform(platform, { DOCKER_DEFAULT_PLATFORM: value });
  for (const own of ['linux/amd64', 'linux/amd64/v2', 'Linux/AMD64', '']) t.is(ignored(own), null, own);
  for (const other of ['linux/arm64', 'linux/arm64/v8', 'windows/amd64', 'arm64'])
    t.is(ignored(other), other, other);
  t.is(ignoredPlatform(null, { DOCKER_DEFAULT_PLATFORM: 'linux/arm64' }), null);
  const [warning = ''] = engineWarnings(
    { ...unrestrictedEngine, platform },
    { DOCKER_DEFAULT_PLATFORM: 'linux/arm64' },
  );
  t.regex(warning, /DOCKER_DEFAULT_PLATFORM=linux\/arm64 is ignored.*linux\/amd64/);
});

test('an outdated DOCKER_API_VERSION causes a warning', t => {
  t.regex(
    engineWarnings(unrestrictedEngine, { DOCKER_API_VERSION: '1.12' })[0]!,
    /^DOCKER_API_VERSION=1\.12 is older .*Unset it$/,
  );
  for (const version of ['1.41', '1.51', '2.0', ''])
    t.deepEqual(engineWarnings(unrestrictedEngine, { DOCKER_API_VERSION: version }), [], version);
});
