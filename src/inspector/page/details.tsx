import { useState } from 'preact/hooks';
import { outputOf } from '../../state/agent-state.ts';
import { dependencyLabels, itemLabel, matrixLabel } from '../../state/control-label.ts';
import type { AgentState } from '../../state/flow-state.ts';
import { type Call, type Step, until } from '../../state/history.ts';
import { roundOf } from '../../state/rounds.ts';
import { formatUsage, usageOf } from '../../state/usage.ts';
import { formatDuration } from '../../text/duration.ts';
import { listLabel } from '../../text/list-label.ts';
import { shorten } from '../../text/shorten.ts';
import { Approval } from './approval.tsx';
import { createdWith } from './created.ts';
import { Rounds } from './rounds.tsx';
import type { Store, View } from './store.ts';
import { sinceStart } from './words.ts';

interface DetailsProps {
  readonly store: Store;
  readonly shown: View;
  readonly agent: AgentState;
  readonly steps: readonly Step[];
}

/** Details of an agent at the moment that is shown. */
export function Details({ store, shown, agent, steps }: DetailsProps) {
  const calls = until(store.history.of(agent.name).calls, shown.index);
  const created = createdWith(calls, agent.attempt);
  const start = shown.state.startedAt ?? 0;
  return (
    <div class="details">
      <Approval store={store} shown={shown} agent={agent} />
      <Rounds agent={agent} />
      <Transition steps={steps} start={start} />
      <Context agent={agent} start={start} />
      <Steps store={store} steps={steps} start={start} />
      <Calls calls={calls} index={shown.index} start={start} />
      {agent.approval === undefined && (
        <>
          <Pairs title="Limits" pairs={created?.limits ?? []} none="No container was created." />
          <Pairs title="Labels" pairs={created?.labels ?? []} none="No container was created." />
        </>
      )}
    </div>
  );
}

function Transition({ steps, start }: { readonly steps: readonly Step[]; readonly start: number }) {
  const step = steps.at(-1);
  if (!step) return <p class="muted">It has not been started.</p>;
  const { state, event, cause, until, at, attempt } = step.event;
  const before = event === 'init' ? null : (steps.at(-2)?.event.state ?? null);
  return (
    <section class="transition" aria-label="Transition">
      <h3>Transition</h3>
      <p>
        <code>{before ?? '·'}</code> → <code class="to">{state}</code>
      </p>
      <dl>
        <dt>event</dt>
        <dd class="event">{event || 'always'}</dd>
        <dt>cause</dt>
        <dd class="cause">{cause ?? '–'}</dd>
        <dt>at</dt>
        <dd>{`${sinceStart(at - start)}, attempt ${attempt}`}</dd>
        {until !== null && (
          <>
            <dt>waits until</dt>
            <dd>{sinceStart(until - start)}</dd>
          </>
        )}
      </dl>
    </section>
  );
}

const conditionLabels = { true: 'true', false: 'false', null: 'not evaluated' } as const;

function roundText(agent: AgentState): string | null {
  const found = roundOf(agent, agent.attempt);
  return found && `${found.round} of ${found.rounds}`;
}

function Context({ agent, start }: { readonly agent: AgentState; readonly start: number }) {
  const used = usageOf(agent);
  const output = outputOf(agent);
  const pairs: [string, string | null][] = [
    ['attempt', agent.approval === undefined ? String(agent.attempt) : null],
    ['round', roundText(agent)],
    ['waits for', dependencyLabels(agent).join(', ') || null],
    ['when', agent.when ?? null],
    [
      'condition',
      agent.condition && `${conditionLabels[`${agent.condition.holds}`]}: ${agent.condition.reason}`,
    ],
    ['reads', agent.inputs?.join(', ') ?? null],
    ['matrix', matrixLabel(agent) || null],
    ['list', agent.forEach ? listLabel(agent.forEach) : null],
    ['item', itemLabel(agent) || null],
    ['reused from', agent.reused ?? null],
    ['host', agent.host],
    ['container', agent.containerId?.slice(0, 12) ?? null],
    ['image', agent.image],
    ['started', agent.startedAt === null ? null : sinceStart(agent.startedAt - start)],
    ['ended', agent.endedAt === null ? null : sinceStart(agent.endedAt - start)],
    ['status', agent.status],
    ['output', output && shorten(output, 2000)],
    ['usage', used && formatUsage(used)],
    ['exit code', agent.exitCode === null ? null : String(agent.exitCode)],
    ['error', agent.error && `${agent.error.kind} in ${agent.error.phase}: ${agent.error.message}`],
    ...agent.attempts
      .filter(({ status }) => status !== null)
      .map(({ attempt, status, exitCode, error }): [string, string] => [
        `attempt ${attempt}`,
        [status, exitCode === null ? null : `exit code ${exitCode}`, error?.message]
          .filter(Boolean)
          .join(' · '),
      ]),
  ];
  const known = pairs.flatMap(([key, value]) => (value === null ? [] : [[key, value] as const]));
  return <Pairs title="Context" pairs={known} none="" />;
}

function Steps({
  store,
  steps,
  start,
}: {
  readonly store: Store;
  readonly steps: readonly Step[];
  readonly start: number;
}) {
  return (
    <section aria-label="Path">
      <h3>{`Path: ${steps.length} step${steps.length === 1 ? '' : 's'}`}</h3>
      <ol class="steps" reversed>
        {steps.toReversed().map(({ index, event }, number) => (
          <li key={index}>
            <button
              type="button"
              aria-current={number === 0 ? 'step' : undefined}
              onClick={() => store.look(index)}
            >
              <span class="muted">{sinceStart(event.at - start)}</span> <code>{event.state}</code>{' '}
              <span class="muted">{event.event}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

interface CallsProps {
  readonly calls: readonly Call[];
  readonly index: number;
  readonly start: number;
}

function Calls({ calls, index, start }: CallsProps) {
  const [open, setOpen] = useState<number | null>(null);
  return (
    <section aria-label="Docker commands">
      <h3>{`Docker commands: ${calls.length}`}</h3>
      {calls.length > 0 && (
        <table class="calls-table">
          <thead>
            <tr>
              <th scope="col">at</th>
              <th scope="col">command</th>
              <th scope="col">took</th>
              <th scope="col">exit</th>
            </tr>
          </thead>
          <tbody>
            {calls.map(({ event, result: ended, index: at }) => {
              const result = ended !== null && ended.index <= index ? ended.event : null;
              return (
                <tr key={at} class={result && !result.ok ? 'bad' : ''}>
                  <td>{sinceStart(event.at - start)}</td>
                  <td>
                    <button
                      type="button"
                      class="plain"
                      aria-expanded={open === at}
                      onClick={() => setOpen(open === at ? null : at)}
                    >
                      <code>{open === at ? event.argv.join(' ') : event.argv.slice(0, 2).join(' ')}</code>
                    </button>
                    {result?.stderr && <pre>{result.stderr}</pre>}
                  </td>
                  <td>{result ? formatDuration(result.ms) : '…'}</td>
                  <td>{result ? (result.interrupted ?? result.exitCode) : ''}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </section>
  );
}

interface PairsProps {
  readonly title: string;
  readonly pairs: readonly (readonly [key: string, value: string])[];
  readonly none: string;
}

const Pairs = ({ title, pairs, none }: PairsProps) => (
  <section aria-label={title}>
    <h3>{title}</h3>
    {pairs.length === 0 ? (
      <p class="muted">{none}</p>
    ) : (
      <dl>
        {pairs.map(([key, value], index) => (
          <div key={index}>
            <dt>{key}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    )}
  </section>
);
