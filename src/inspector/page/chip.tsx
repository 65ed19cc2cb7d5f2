import { colours } from '../../graph/colours.ts';
import type { Mark } from '../../graph/drawing.ts';
import type { AgentState } from '../../state/flow-state.ts';
import { agentLabel, markOf } from './words.ts';

/** The state of an agent as a coloured label. */
export const Chip = ({ agent }: { readonly agent: AgentState }) => (
  <Badge mark={markOf(agent)} word={agentLabel(agent)} />
);

export const Badge = ({ mark, word }: { readonly mark: Mark; readonly word: string }) => (
  <span class="chip" style={{ background: colours[mark].fill, borderColor: colours[mark].line }}>
    {word}
  </span>
);
