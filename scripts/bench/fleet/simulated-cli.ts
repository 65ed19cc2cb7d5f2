/** Replaces src/docker/cli.ts: calls go to simulated engines. */
import type { Docker } from '../../../src/docker/cli.ts';
import type { Recorder } from '../../../src/docker/recorder.ts';
import { simulation } from './simulation.ts';

export const dockerCli =
  (recorder: Recorder): Docker =>
  async (args, options = {}) => {
    const { scope = null, isMutation = false, isPolling = false } = options;
    const call = await recorder.call(args, scope, isMutation, isPolling);
    return call.end(await simulation().call(recorder.env, args, options));
  };
