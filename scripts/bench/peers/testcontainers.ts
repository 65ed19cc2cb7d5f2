// Run agents with testcontainers. Arguments: job.ts.
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
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
import { forEachAgent, type Job, jobOf } from './job.ts';

const job = jobOf(process.argv.slice(2));

class Agent extends GenericContainer {
  constructor(name: string, of: Job) {
    super(of.image);
    this.withEntrypoint(entrypoint)
      .withWorkingDir('/workspace')
      .withEnvironment(env)
      .withLabels(labels(name, of.label))
      .withNetworkMode(network)
      .withNetworkAliases(`${name}.bench`)
      .withWaitStrategy(Wait.forSuccessfulCommand(waitForTmux));
    this.createOpts.StopSignal = 'TERM';
    Object.assign(this.hostConfig, hostConfig(of));
  }
}

await forEachAgent(job, async name => {
  const container = await new Agent(name, job).start();
  await container.exec(sendKeys(job.command)).catch(() => {});
  // Its own API has no wait for an end, and its stream of a log never ends.
  const client = (await getContainerRuntimeClient()).container.getById(container.getId());
  const { StatusCode } = await client.wait();
  const output = await client.logs({ stdout: true, stderr: true });
  assertSucceeded(output.toString(), StatusCode);
  await container.stop({ timeout: 0 });
});
