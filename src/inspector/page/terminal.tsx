import type { SearchAddon } from '@xterm/addon-search';
import type { Terminal } from '@xterm/xterm';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { AgentState } from '../../state/flow-state.ts';
import type { Store } from './store.ts';
import { withoutInlineStyles } from './styles.ts';
import { forwardTyping } from './typing.ts';

declare const agentFlowXterm:
  | { readonly Terminal: typeof Terminal; readonly SearchAddon: typeof SearchAddon }
  | undefined;

interface TerminalViewProps {
  readonly store: Store;
  readonly agent: AgentState;
}

/** What an agent prints, in a terminal as large as its own. It is asked for while somebody looks, and not longer. */
export function TerminalView({ store, agent }: TerminalViewProps) {
  const attempts = Array.from({ length: agent.attempt }, (_, index) => index + 1);
  const [chosen, choose] = useState<number | null>(null);
  const attempt = chosen ?? agent.attempt;
  const mayType = store.source.mayType && agent.status === null && attempt === agent.attempt;
  return (
    <section class="terminal" aria-label={`Terminal of ${agent.name}`}>
      <div class="tools">
        {attempts.length > 1 && (
          <label>
            Attempt{' '}
            <select value={attempt} onChange={({ currentTarget }) => choose(Number(currentTarget.value))}>
              {attempts.map(number => (
                <option key={number} value={number}>
                  {number}
                </option>
              ))}
            </select>
          </label>
        )}
        <span class="muted">{mayType ? 'What you type goes to the agent.' : 'To look at only.'}</span>
      </div>
      <Screen
        key={`${attempt} ${mayType}`}
        store={store}
        agent={agent.name}
        attempt={attempt}
        mayType={mayType}
      />
    </section>
  );
}

interface ScreenProps {
  readonly store: Store;
  readonly agent: string;
  readonly attempt: number;
  readonly mayType: boolean;
}

function Screen({ store, agent, attempt, mayType }: ScreenProps) {
  const place = useRef<HTMLElement>(null);
  const search = useRef<SearchAddon | null>(null);
  const [said, say] = useState('connecting …');
  const [hasXterm, setHasXterm] = useState(typeof agentFlowXterm !== 'undefined');
  const { source } = store;

  useEffect(() => {
    if (hasXterm) return;
    const arrived = () => setHasXterm(typeof agentFlowXterm !== 'undefined');
    // It may have come since this was drawn.
    arrived();
    addEventListener('xterm', arrived, { once: true });
    return () => removeEventListener('xterm', arrived);
  }, [hasXterm]);

  useEffect(() => {
    if (!hasXterm || !agentFlowXterm || !place.current) return;
    withoutInlineStyles();
    const { Terminal, SearchAddon } = agentFlowXterm;
    // The size of the session: what is printed was meant for it.
    const terminal = new Terminal({
      cols: 200,
      rows: 50,
      scrollback: 50_000,
      fontSize: 12,
      disableStdin: !mayType,
      // What an agent prints opens nothing in anybody's browser.
      linkHandler: { activate() {}, allowNonHttpProtocols: false },
    });
    search.current = new SearchAddon();
    terminal.loadAddon(search.current);
    terminal.open(place.current);
    if (mayType)
      forwardTyping(terminal, keys => source.type(agent, keys).catch(({ message }) => say(message)));
    const leaving = new AbortController();
    read(source.terminal(agent, attempt, leaving.signal), terminal, say).catch(({ message }) => {
      if (!leaving.signal.aborted) say(`broken off: ${message}`);
    });
    return () => {
      leaving.abort();
      terminal.dispose();
    };
  }, [hasXterm, source, agent, attempt, mayType]);

  const url = source.transcriptUrl(agent, attempt);
  return (
    <>
      <form
        class="search"
        onSubmit={event => {
          event.preventDefault();
          const back = (event.submitter as HTMLButtonElement | null)?.value === 'back';
          const term = String(new FormData(event.currentTarget).get('term') ?? '');
          const found = back ? search.current?.findPrevious(term) : search.current?.findNext(term);
          say(term === '' || found ? '' : `“${term}” is not there`);
        }}
      >
        <input name="term" type="search" aria-label="Search in the terminal" placeholder="Search" />
        <button type="submit" value="on">
          Next
        </button>
        <button type="submit" value="back">
          Previous
        </button>
        {url && (
          <a href={url} download={`${agent}-${attempt}.log`}>
            Whole transcript
          </a>
        )}
        <output>{said}</output>
      </form>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled by keys too */}
      <section class="screen scroll" ref={place} tabIndex={0} aria-label="Screen" />
    </>
  );
}

async function read(
  asked: Promise<ReadableStream<Uint8Array> | null>,
  terminal: Terminal,
  say: (text: string) => void,
): Promise<void> {
  const stream = await asked;
  if (stream === null) return say('nothing was printed');
  say('');
  // Bytes, not text: the terminal joins characters that were cut in two. It is given no more than it takes.
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return say('over');
    await new Promise<void>(resolve => terminal.write(value, resolve));
  }
}
