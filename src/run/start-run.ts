import { connect } from '../connection/connect.ts';
import { checkReceivers } from '../notify/receivers.ts';
import { checkLogins } from '../preflight/check-logins.ts';
import { checkPlaces } from '../preflight/check-mounts.ts';
import { checkReused } from '../preflight/check-reused.ts';
import { checkSecrets, type Vault, vaultOf } from '../secrets/vault.ts';
import { placedPlan } from '../spec/placement.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { firstReads } from './first-reads.ts';
import { withoutReused } from './reuse.ts';
import type { Run, RunOptions } from './run.ts';

/** Start a flow. Throws a `FlowError` if it cannot begin; then nothing was started and nothing is left. */
export async function startRun(requested: FlowPlan, options: RunOptions): Promise<Run> {
  const plan = placedPlan(requested);
  const vault = checkOnHost(plan, options);
  const over = new AbortController();
  const reads = { calls: firstReads(plan), signal: over.signal };
  try {
    // Load what drives a run while docker responds.
    const [connection, { beginRun }] = await Promise.all([
      connect(plan, {
        clock: options.clock,
        redactor: vault.redactor,
        context: plan.target?.context ?? null,
        reads,
      }),
      import('./begin-run.ts'),
    ]);
    const run = await beginRun(plan, vault, connection, options);
    void run.done.catch(() => {}).finally(() => over.abort());
    return run;
  } catch (error) {
    over.abort();
    throw error;
  }
}

/** Check everything that needs no engine, and return the vault with the secrets. */
function checkOnHost(plan: FlowPlan, { stateDir, rerun, env = process.env }: RunOptions): Vault {
  const started = withoutReused(plan, rerun);
  if (rerun !== undefined) checkReused(plan, rerun);
  checkPlaces(started, stateDir);
  checkSecrets(started, env);
  checkReceivers(plan, env);
  checkLogins(started);
  return vaultOf(plan, env);
}
