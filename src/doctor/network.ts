import type { Docker } from '../docker/cli.ts';
import { lines } from '../docker/containers.ts';
import { sharedNetwork } from '../spec/resolve.ts';
import { patience } from './docker.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** The network that agents share. One that is missing is made by the first run. */
export async function checkNetwork(docker: Docker, name = sharedNetwork): Promise<Finding> {
  const args = ['network', 'ls', `--filter=name=^${name}$`, '--format={{.Name}} {{.Driver}}'];
  const answer = await docker(args, { timeout: patience });
  if (!answer.ok) return warn('network', 'docker does not list its networks', 'docker network ls says why');
  const drivers = lines(answer.stdout)
    .map(line => line.split(' '))
    .filter(([found]) => found === name)
    .map(([, driver = '']) => driver);
  const [driver] = drivers;
  if (driver === undefined) return ok('network', `${name} is not there yet; the first run makes it`);
  if (drivers.length > 1)
    return warn(
      'network',
      `${drivers.length} are called ${name}`,
      'remove all but one: docker network rm <id>',
    );
  if (driver === 'bridge') return ok('network', `${name} is there`);
  return fail(
    'network',
    `${name} is there, but its driver is ${driver}, not bridge`,
    `docker network rm ${name}, or name another in the spec: "network": {"name": "…"}`,
  );
}
