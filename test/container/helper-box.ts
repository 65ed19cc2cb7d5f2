import type { HelperJob } from '../../src/actors/helper-job.ts';
import { helperArgs } from '../../src/agent-container/helper.ts';
import { docker, image, label } from './box.ts';

type Job = Pick<HelperJob, 'command' | 'args' | 'mounts' | 'user' | 'groups'>;

/** Run a helper as the product does, with the very flags of a run, in the image under test. */
export async function runJob(job: Job) {
  const owner = { agent: 'tested', attempt: 1 };
  const args = helperArgs({ instance: 'test', runId: 'rhelper00', owner, image: await image, ...job });
  const flags = args.slice(1).filter(flag => !/^--(name|label|log-driver)=/.test(flag));
  return docker(['run', '--rm', `--label=${label}`, ...flags]);
}
