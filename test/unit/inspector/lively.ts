import type { RunEvent, RunEventBody } from '../../../src/events.ts';

/** The states of a successful attempt, each with the event that leads to it. */
const successfulAttempt = [
  ['reconciling', 'init'],
  ['building', 'reconcile done'],
  ['networking', 'ensureImage done'],
  ['creating', 'ensureNetwork done'],
  ['starting', 'createContainer done'],
  ['waitingForTmux', 'startContainer done'],
  ['injecting', 'awaitTmux done'],
  ['running.working', 'inject done'],
  ['collecting.checking', 'watch done'],
  ['collecting.reading', ''],
  ['removing.checking', 'collect done'],
  ['removing.removingContainer', ''],
  ['evaluating', 'removeContainer done'],
  ['done', ''],
] as const;

const noon = Date.UTC(2026, 0, 2, 12, 0, 0);

/** Return all events of a run whose agents succeed in layers of ten. */
export function livelyRun(count: number): RunEvent[] {
  const nameOf = (index: number) => `agent-${index}`;
  const events: RunEvent[] = [];
  let at = noon;
  const emit = (body: RunEventBody) => {
    at += 20;
    events.push({ v: 1, seq: events.length + 1, at, ...body });
  };
  const agents = Array.from({ length: count }, (_, index) => ({
    name: nameOf(index),
    dependsOn: index < 10 ? [] : [nameOf(index - 10)],
    retries: 1,
  }));
  emit({
    type: 'run.started',
    runId: 'r1234567',
    name: 'lively',
    version: '0.1.0',
    pid: 1,
    host: 'here',
    concurrency: 10,
    agents,
  });
  let call = 0;
  for (let first = 0; first < count; first += 10)
    for (const [state, event] of successfulAttempt)
      for (const { name } of agents.slice(first, first + 10)) {
        const started = !['reconciling', 'building', 'networking', 'creating'].includes(state);
        const containerId = started ? 'c'.repeat(64) : null;
        emit({
          type: 'agent.state',
          agent: name,
          attempt: 1,
          state,
          event,
          containerId,
          injectedAt: null,
          cause: null,
          until: null,
        });
        if (!['creating', 'starting', 'removing.removingContainer'].includes(state)) continue;
        const verb = { creating: 'create', starting: 'start' }[state as string] ?? 'rm';
        const argv = ['docker', verb, '--memory=128m', '--cpus=1', '--label=tmux-agents=true', '--', 'image'];
        emit({ type: 'docker.call', call: ++call, agent: name, attempt: 1, argv });
        emit({
          type: 'docker.result',
          call,
          ok: true,
          exitCode: 0,
          ms: 140,
          interrupted: null,
          stderr: '',
        });
      }
  for (const { name } of agents) {
    const end = { status: 'succeeded', exitCode: 0, error: null, containerId: null, image: null } as const;
    emit({ type: 'agent.ended', agent: name, ...end });
  }
  emit({ type: 'run.ended', status: 'succeeded', exitCode: 0 });
  return events;
}
