import type { Docker } from '../docker/cli.ts';
import { lines } from '../docker/parse-output.ts';
import { sharedNetwork } from '../spec/resolve.ts';
import { dockerTimeoutMs } from './docker.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** Check the network that agents share. The first run creates it. */
export async function checkNetwork(docker: Docker, name = sharedNetwork): Promise<Finding> {
  const args = ['network', 'ls', `--filter=name=^${name}$`, '--format={{.Name}} {{.Driver}}'];
  const result = await docker(args, { timeout: dockerTimeoutMs });
  if (!result.ok) return warn('network', 'could not list networks', 'run docker network ls to see why');
  const drivers = lines(result.stdout)
    .map(line => line.split(' '))
    .filter(([found]) => found === name)
    .map(([, driver = '']) => driver);
  const [driver] = drivers;
  if (driver === undefined) return ok('network', `${name} does not exist yet; the first run creates it`);
  if (drivers.length > 1)
    return warn(
      'network',
      `${drivers.length} networks are named ${name}`,
      'remove all but one: docker network rm <id>',
    );
  if (driver === 'bridge') return ok('network', `${name} exists`);
  return fail(
    'network',
    `the driver of ${name} is ${driver}, not bridge`,
    `run docker network rm ${name}, or use another network in the spec: "network": {"name": "…"}`,
  );
}
