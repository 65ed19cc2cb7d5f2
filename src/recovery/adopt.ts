import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type EngineConnection, runEngineOf } from '../connection/engine-connection.ts';
import { withEngineError } from '../connection/engine-error.ts';
import { enginesOf, type MissingEngine } from '../connection/run-connection.ts';
import { containers as containersOf } from '../docker/containers.ts';
import type { Recorder } from '../docker/recorder.ts';
import { saveOutput } from '../docker/stream.ts';
import { EngineError } from '../errors.ts';
import { version } from '../package.ts';
import { growingRedactor } from '../secrets/redact.ts';
import { sealedName } from '../secrets/sealed-file.ts';
import { unsealContainer } from '../secrets/seals.ts';
import { openJournal } from '../store/journal.ts';
import { isLock, takeLock } from '../store/lock.ts';
import { explainHolder } from '../store/lock-holder.ts';
import { writeRunFile } from '../store/run-file.ts';
import type { RunFolder, StateDir } from '../store/state-directory.ts';
import { holdFile, makeDirectory, removeFile, renameFile, statFile } from '../store/state-files.ts';
import { writeFileAtomic } from '../store/write-file-atomic.ts';
import { oneLine } from '../text/text.ts';
import { agentOutput, marksFile } from '../transcript/agent-output.ts';
import { type Adoptable, examine } from './adoptable.ts';
import { findOrphans, isLost, type OwnOrphan } from './orphans.ts';

export interface Adoption {
  /** Runs that have a record again, and no supervisor. */
  readonly runs: readonly RunFolder[];
  /** Names of removed containers, which had never been started. */
  readonly removed: readonly string[];
  readonly refused: readonly { readonly name: string; readonly why: string }[];
  /** Engines that may have more orphans. */
  readonly missing: readonly MissingEngine[];
}

export interface AdoptOptions {
  /** Adopt the containers of this run alone. */
  readonly only?: string | undefined;
  /** Take the lock from a supervisor whose state cannot be read from here. */
  readonly force?: boolean;
}

const operation = 'ask Docker for orphans';

/**
 * Recreate the run records of orphans from their labels and from `docker inspect`, so that their runs can be resumed like
 * any other. Containers of other state directories are left alone.
 */
export async function adopt(stateDir: StateDir, options: AdoptOptions = {}): Promise<Adoption> {
  const { found, missing } = await enginesOf(stateDir);
  const adoptions: Omit<Adoption, 'missing'>[] = [];
  for (const connection of found) adoptions.push(await adoptOn(connection, stateDir, options));
  return {
    runs: adoptions.flatMap(({ runs }) => runs),
    removed: adoptions.flatMap(({ removed }) => removed),
    refused: adoptions.flatMap(({ refused }) => refused),
    missing,
  };
}

async function adoptOn(
  connection: EngineConnection,
  stateDir: StateDir,
  { only, force = false }: AdoptOptions,
): Promise<Omit<Adoption, 'missing'>> {
  const { docker } = connection;
  const containers = containersOf(docker);
  const orphans = await withEngineError(findOrphans(containers, stateDir), operation);
  const lost = orphans.filter(isLost).filter(({ runId }) => only === undefined || runId === only);

  const neverStarted = lost.filter(({ container }) => container.state === 'created');
  const removed: string[] = [];
  const left: { readonly name: string; readonly why: string }[] = [];
  for (const { container } of neverStarted) {
    const result = await containers.remove(container.id);
    if (result.ok) removed.push(container.name);
    else
      left.push({
        name: container.name,
        why: `it cannot be removed: ${oneLine(result.stderr) || 'docker gave no reason'}`,
      });
  }
  const started = lost.filter(orphan => !neverStarted.includes(orphan));
  const { found, refused } = await withEngineError(examine(docker, started), operation);
  const runs: RunFolder[] = [];
  for (const [runId, ofRun] of Map.groupBy(found, ({ orphan }) => orphan.runId)) {
    const folder = stateDir.run(runId);
    // A run that cannot be adopted does not affect the others.
    const why = await recreateRunRecord(folder, ofRun, connection, force).catch((error: Error) =>
      oneLine(error.message),
    );
    if (why === null) runs.push(folder);
    else refused.push(...ofRun.map(({ orphan }) => ({ name: orphan.container.name, why })));
  }
  return { runs, removed, refused: [...left, ...refused] };
}

/** Returns null when the run has a record again, else the reason why not. */
async function recreateRunRecord(
  folder: RunFolder,
  found: readonly Adoptable[],
  connection: EngineConnection,
  force: boolean,
): Promise<string | null> {
  makeDirectory(folder.path);
  const lock = takeLock(folder.lock, { force });
  if (!isLock(lock)) return `its run is already being executed by ${explainHolder(lock)}`;
  try {
    if (statFile(folder.journal)) return 'its run already has a record';
    const newest = [...Map.groupBy(found, ({ orphan }) => orphan.agent).values()].map(
      attempts => attempts.toSorted((a, b) => b.orphan.attempt - a.orphan.attempt)[0]!,
    );
    // Only the last attempt of an agent is resumed. Earlier attempts keep their transcripts.
    const warnings: Warning[] = [];
    for (const { orphan } of found.filter(entry => !newest.includes(entry))) {
      const why = await keepTranscript(folder, orphan, connection.recorder);
      const message = `the transcript of attempt ${orphan.attempt} was not kept: ${why}`;
      if (why !== null) warnings.push({ agent: orphan.agent, message });
    }
    // Keep the rest of the lost record for the user.
    if (statFile(folder.runFile)) renameFile(folder.runFile, `${folder.runFile}.lost`);
    writeRunFile(folder, {
      plan: { name: 'adopted', concurrency: newest.length, agents: newest.map(({ plan }) => plan) },
      secret: randomBytes(16).toString('hex'),
      hosts: [{ names: [null], engine: runEngineOf(connection) }],
      adopted: Object.fromEntries(newest.map(({ orphan, identity }) => [orphan.agent, identity])),
    });
    await writeJournal(folder, newest, warnings);
    return null;
  } finally {
    lock[Symbol.dispose]();
  }
}

interface Warning {
  readonly agent: string;
  readonly message: string;
}

/** Return the reason if nothing was kept, else null. */
async function keepTranscript(
  folder: RunFolder,
  { container, agent, attempt }: OwnOrphan,
  recorder: Recorder,
): Promise<string | null> {
  const known = growingRedactor();
  const sealed = join(folder.attempt(agent, attempt), sealedName);
  const why = unsealContainer(container, sealed, { learn: known.add }, true);
  if (why !== null) return why;
  const file = holdFile(folder.transcript(agent, attempt));
  const output = agentOutput(null);
  const options = { timeout: 600_000, through: [...(known.isEmpty ? [] : [known.stream()]), output.stream] };
  const result = await saveOutput(recorder, ['logs', container.id], file.path, options).finally(
    file[Symbol.dispose],
  );
  if (!result.ok)
    throw new EngineError(
      `could not save the output of ${container.name}: ${oneLine(result.stderr || result.printed || '') || 'docker gave no reason'}`,
    );
  writeFileAtomic(marksFile(folder.transcript(agent, attempt)), output.marks());
  return null;
}

/** A record counts from when its journal exists, so the journal appears as a whole. */
async function writeJournal(
  folder: RunFolder,
  found: readonly Adoptable[],
  warnings: readonly Warning[],
): Promise<void> {
  const aside = join(folder.path, 'journal.adopting');
  removeFile(aside);
  const journal = openJournal(aside, Date.now);
  try {
    await journal.append({
      type: 'run.started',
      runId: folder.runId,
      name: 'adopted',
      version,
      pid: process.pid,
      host: hostname(),
      concurrency: found.length,
      agents: found.map(({ orphan }) => ({ name: orphan.agent, dependsOn: [], retries: 0 })),
    });
    for (const warning of warnings) await journal.append({ type: 'warning', ...warning });
    for (const { orphan } of found) {
      const { agent, attempt, container } = orphan;
      const message = `adopted: its record was lost, and was recreated from container ${container.id.slice(0, 12)}`;
      await journal.append({ type: 'warning', agent, message });
      await journal.append({
        type: 'agent.state',
        agent,
        attempt,
        state: 'reconciling',
        event: '',
        containerId: container.id,
        // Only the container records whether it got its launch script. It gets no second one: if it still waits, it ends.
        injectedAt: container.startedAt,
        cause: null,
        until: null,
      });
    }
  } finally {
    journal[Symbol.dispose]();
  }
  renameFile(aside, folder.journal);
}
