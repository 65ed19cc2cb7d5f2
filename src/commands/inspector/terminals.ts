import { setTimeout as delay } from 'node:timers/promises';
import { dockerCli } from '../../docker/cli.ts';
import { unrecorded } from '../../docker/recorder.ts';
import type { RunFolder, StateDir } from '../../engine/state-dir.ts';
import { UsageError } from '../../errors.ts';
import type { Reading, Terminals } from '../../inspector/terminals.ts';
import { findAgent, inWords } from '../find-agent.ts';
import { isSettled, secretsIn } from '../logs/attempt-of.ts';
import { printAttempt } from '../logs/attempt-output.ts';
import { redacting } from '../logs/printers.ts';
import { typeInto } from '../send/keys.ts';

/** The terminals of a run's agents, as `logs` and `send` have them. */
export function terminalsOf(stateDir: StateDir, folder: RunFolder): Terminals {
  const find = (agent: string) => findAgent(stateDir, `${folder.runId}/${agent}`);

  return {
    async read(agent, attempt, { write, follow, signal }: Reading) {
      const printer = redacting({ write, end: async () => {} }, secretsIn(folder));
      const all = { tail: null, since: null };
      while (true) {
        const printed = await printAttempt(find(agent), attempt, all, follow, printer, signal);
        // A container that has not been started yet has nothing, and docker does not wait for it.
        if (printed || !follow || signal.aborted || isSettled(find(agent), attempt)) {
          await printer.end();
          return printed !== null;
        }
        await delay(200, undefined, { signal }).catch(() => {});
      }
    },

    async type(name, bytes) {
      const { agent } = find(name);
      const address = `${folder.runId}/${name}`;
      if (agent.status !== null || !agent.state.startsWith('running.') || agent.containerId === null)
        throw new UsageError(`${address} takes no text now: it is ${inWords(agent)}`);
      await typeInto(agent.containerId, { bytes, address, docker: dockerCli(unrecorded) });
    },
  };
}
