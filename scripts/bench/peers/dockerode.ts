// Run agents with dockerode, which calls the engine's API. Arguments: job.ts.
import { finished } from 'node:stream/promises';
import Docker from 'dockerode';
import {
  assertSucceeded,
  entrypoint,
  env,
  hostConfig,
  labels,
  network,
  sendKeys,
  waitForTmux,
} from './container.ts';
import { forEachAgent, jobOf } from './job.ts';

const job = jobOf(process.argv.slice(2));
const docker = new Docker();

await forEachAgent(job, async name => {
  const container = await docker.createContainer({
    Image: job.image,
    Entrypoint: entrypoint,
    WorkingDir: '/workspace',
    StopSignal: 'TERM',
    Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    Labels: labels(name, job.label),
    HostConfig: { ...hostConfig(job), NetworkMode: network },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [`${name}.bench`] } } },
  });
  await container.start();
  await execute(container, ['sh', '-c', waitForTmux]);
  await execute(container, sendKeys(job.command));
  const { StatusCode } = await container.wait();
  const output = await container.logs({ stdout: true, stderr: true });
  assertSucceeded(output.toString(), StatusCode);
  await container.remove({ force: true, v: true });
});

async function execute(container: Docker.Container, Cmd: string[]): Promise<void> {
  const exec = await container.exec({ Cmd, AttachStdout: true });
  const output = await exec.start({});
  output.resume();
  // The container may end first, and the connection with it.
  await finished(output).catch(() => {});
}
