import type { FlowState } from '../state/flow-state.ts';
import type { AgentOutcome } from '../state/outcomes.ts';
import { checkLabel, type Round, roundsOf } from '../state/rounds.ts';
import { plainText } from '../text/text.ts';
import { attribute, content, seconds } from './xml-text.ts';

/** The key of the last lines of a check. A name of an agent has no slash. */
export const roundKey = (agent: string, round: number) => `${agent}/${round}`;

/**
 * Return a case for each round. A round that did not pass is a failure if no other one followed. An earlier one is skipped,
 * since a CI system would report the failure of an agent that is green at its end.
 */
export function roundCases(
  { name }: FlowState,
  { name: agent, attempts }: Pick<AgentOutcome, 'name' | 'attempts'>,
  tails: ReadonlyMap<string, string>,
) {
  const rounds = roundsOf({ attempts });
  return rounds.map((round, index) => {
    const followedBy = rounds[index + 1]?.round ?? null;
    return {
      '@classname': attribute(name),
      '@name': attribute(`${agent} round ${round.round} of ${round.rounds}`),
      '@time': seconds(round.ms),
      properties: {
        property: [
          { '@name': 'check', '@value': round.status },
          { '@name': 'attempt', '@value': String(round.attempt) },
        ],
      },
      ...resultElement(round, followedBy, tailOf(tails.get(roundKey(agent, round.round)))),
    };
  });
}

function resultElement(round: Round, followedBy: number | null, tail: string) {
  if (round.status === 'passed') return {};
  const label = checkLabel(round);
  if (followedBy === null) {
    const text = content(tail === '' ? label : `${label}\n${tail}`);
    return { failure: { '@type': 'check', '@message': attribute(label), '#text': text } };
  }
  return {
    skipped: { '@message': attribute(`${label}; round ${followedBy} followed`) },
    ...(tail === '' ? {} : { 'system-out': content(tail) }),
  };
}

/** Characters of the output of a check: a run may have many rounds. */
const maxTail = 16_000;

/** Return the end of an output as plain text. */
function tailOf(output = ''): string {
  const text = plainText(output).trimEnd();
  return text.length > maxTail ? `…${text.slice(-maxTail)}` : text;
}
