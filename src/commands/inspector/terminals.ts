import { setTimeout as delay } from 'node:timers/promises';
import { tagsOf } from '../../../machines/state-tags.ts';
import { connectionOf, connectToOthers, dockerOf } from '../../connection/run-connection.ts';
import { UsageError } from '../../errors.ts';
import type { Reading, Terminals } from '../../inspector/terminals.ts';
import { type FlowState, ofAgent } from '../../state/flow-state.ts';
import type { RunFolder } from '../../store/state-directory.ts';
import { oneLine } from '../../text/text.ts';
import { type FoundAgent, inWords } from '../find-agent.ts';
import { printAttempt } from '../logs/attempt-output.ts';
import { checkOf, printCheck } from '../logs/check-output.ts';
import { isSettled } from '../logs/is-settled.ts';
import { redacting } from '../logs/printers.ts';
import { runSecrets } from '../logs/run-secrets.ts';
import { typeInto } from '../send/keys.ts';

/** Read and type into the terminals of agents as `logs` and `send` do. `now` returns the current state of the run. */
export function terminalsOf(folder: RunFolder, now: () => FlowState): Terminals {
  const find = (name: string): FoundAgent => {
    const state = now();
    const agent = ofAgent(state, name);
    if (agent) return { folder, state, agent };
    throw new UsageError(`agent ${oneLine(name)} does not exist in run ${folder.runId}`);
  };

  const connections = new Map<string, ReturnType<typeof connectionOf>>();
  const connectionTo = (agent: string) => {
    const known = connections.get(agent) ?? connectionOf(folder, agent);
    connections.set(agent, known);
    return known;
  };

  return {
    async read(agent, { of, number: attempt }, { write, follow, signal }: Reading) {
      const connection = connectionTo(agent);
      const secrets = runSecrets(folder, dockerOf(connection), () => connectToOthers(folder, agent));
      const printer = redacting({ write, end: async () => {} }, secrets.redactor);
      const all = { tail: null, since: null };
      // The output of a check is kept when the check has ended, redacted.
      if (of === 'check')
        return (await printCheck(checkOf(find(agent), String(attempt)), all, { write })) !== null;
      while (true) {
        const printed = await printAttempt(find(agent), attempt, all, follow, {
          printer,
          secrets,
          connection,
          signal,
        });
        // `docker logs --follow` returns at once for a container that was not started yet.
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
      if (agent.status !== null || !tagsOf(agent.state).includes('running') || agent.containerId === null)
        throw new UsageError(`${address} cannot receive text: it is ${inWords(agent)}`);
      await typeInto(agent.containerId, { bytes, address, docker: dockerOf(connectionTo(name)) });
    },
  };
}
