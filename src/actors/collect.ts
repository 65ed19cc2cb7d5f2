import { closeSync, fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import type { StepInput } from '../../machines/agent-types.ts';
import type { EndRecord } from '../../machines/outcome.ts';
import { StepError } from '../../machines/step-error.ts';
import { type AgentReport, reportIn } from '../docker/agent-report.ts';
import { endBytes, endRecordOf, recordInFile } from '../docker/end-record.ts';
import { classify, dockerError } from '../docker/errors.ts';
import { firstBytes, saveOutput } from '../docker/stream.ts';
import { providerNamed } from '../providers/catalogue.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { holdFile, openFile } from '../store/state-files.ts';
import { owner, type World } from './world.ts';

/** Keeps the transcript, and reads the container's own last word from its end. */
export async function collect(
  world: World,
  input: StepInput,
  signal: AbortSignal,
): Promise<{ record: EndRecord | null }> {
  const { clock, docker, recorder } = world;
  const { nonce } = world.identity(input.name, input.attempt);
  const file = world.transcript(input.name, input.attempt);
  const held = await hold(file).catch(error => world.unwritable(error, signal));
  const args = ['logs', input.containerId!];
  // A second Ctrl-C ends the collecting; a first one gives it the time that is left.
  const timeout = input.cancelled ? 2_000 : 600_000;
  const { redactor } = world.vault;
  const through = redactor.isIdle ? null : redactor.stream();
  const options = { signal, owner: owner(input), timeout, through };
  const answer = await saveOutput(recorder, args, held.path, options).finally(held[Symbol.dispose]);
  const end = tail(file);
  const said = endRecordOf(end, nonce);
  const record = said && { ...said, trouble: troubleOf(world.plan(input.name), reportIn(end, nonce)) };
  const patience = AbortSignal.timeout(input.cancelled ? 1_000 : 60_000);
  await world.networks.readBlocked(input.name, input.attempt, AbortSignal.any([signal, patience]));
  if (record || input.cancelled) return { record };

  // A full disk must not make a verdict: what is missing in the file may be in Docker.
  await tryToWrite(file).catch(error => world.unwritable(error, signal));
  if (!answer.ok) throw dockerError({ ...answer, args }, { doing: 'read the transcript', at: clock.now() });
  const last = await docker(['logs', '--tail=1', input.containerId!], { signal, owner: owner(input) });
  if (endRecordOf(last.stdout, nonce))
    throw new StepError('transient', `${file} lacks the end of the transcript`, { at: clock.now() });
  return { record: await recordInside(world, input, signal) };
}

/** What the AI CLI has said of why it failed, with what helps. */
function troubleOf(
  { provider: name }: AgentPlan,
  report: AgentReport | null,
): NonNullable<EndRecord['trouble']> | null {
  const provider = providerNamed(name);
  if (!report?.trouble || provider === undefined) return null;
  const { kind, message, resetsAt } = report.trouble;
  const { title, keys, login } = provider;
  if (kind === 'needsInput') return { kind, message: `${title} ${message}`, until: null };
  const mend =
    kind === 'login'
      ? `. Set ${keys[0]}${login[0] ? `, or log in here (~/${login[0]})` : ''}`
      : kind === 'quota' && resetsAt === null
        ? '. Run it again when its plan is there again'
        : '';
  return { kind, message: `${title}: ${message}${mend}`, until: resetsAt };
}

/**
 * Docker loses what a container prints while its daemon is away, should it end before the daemon is back; its exit code
 * and its files are kept. An agent may have written the file, so it has to agree with the exit code.
 */
async function recordInside(
  { clock, containers, recorder }: World,
  input: StepInput,
  signal: AbortSignal,
): Promise<EndRecord | null> {
  const id = input.containerId!;
  const options = { signal, owner: owner(input), timeout: 30_000 };
  const [found] = await containers.inspect([id], options);
  if (found?.state !== 'exited') return null;
  const args = ['cp', `${id}:/run/agent/exit`, '-'];
  const answer = await firstBytes(recorder, args, 4096, options);
  if (answer.stdout === '' && classify(answer) !== 'docker')
    throw dockerError({ ...answer, args }, { doing: 'read the end record', at: clock.now() });
  const said = recordInFile(answer.stdout.slice(tarHeader));
  return said?.code === found.exitCode ? { ...said, oomKills: Number(found.oomKilled) } : null;
}

const tarHeader = 512;

/** For this user's eyes alone, from its first byte. */
const hold = async (file: string) => holdFile(file);

/** Rejects where nothing more can be written behind what is there. */
async function tryToWrite(file: string): Promise<void> {
  const fd = openFile(file, 'r+');
  try {
    const { size } = fstatSync(fd);
    writeSync(fd, Buffer.alloc(65_536), 0, 65_536, size);
    ftruncateSync(fd, size);
  } finally {
    closeSync(fd);
  }
}

function tail(file: string): string {
  const fd = openFile(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, endBytes));
    readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8');
  } finally {
    closeSync(fd);
  }
}
