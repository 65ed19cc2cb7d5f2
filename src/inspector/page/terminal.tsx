import type { SearchAddon } from '@xterm/addon-search';
import type { Terminal } from '@xterm/xterm';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { AgentState } from '../../state/flow-state.ts';
import { roundsOf } from '../../state/rounds.ts';
import type { Output } from '../page-data.ts';
import type { Store } from './store.ts';
import { withoutInlineStyles } from './styles.ts';
import { forwardTyping } from './typing.ts';

declare const agentFlowXterm:
  | { readonly Terminal: typeof Terminal; readonly SearchAddon: typeof SearchAddon }
  | undefined;

interface TerminalViewProps {
  readonly store: Store;
  readonly agent: AgentState;
  /** The round whose check is shown at first; null for the newest attempt. */
  readonly check: number | null;
}

/** The output of an agent, in a terminal as large as its own. It is requested only while it is shown. */
export function TerminalView({ store, agent, check }: TerminalViewProps) {
  const outputs: readonly Output[] = [
    ...Array.from({ length: agent.attempt }, (_, index) => ({ of: 'attempt', number: index + 1 }) as const),
    ...roundsOf(agent).map(({ round }) => ({ of: 'check', number: round }) as const),
  ];
  const [chosen, choose] = useState<Output | null>(check === null ? null : { of: 'check', number: check });
  const output = chosen ?? { of: 'attempt', number: agent.attempt };
  const isCurrent = output.of === 'attempt' && output.number === agent.attempt;
  const mayType = store.source.mayWrite && agent.status === null && isCurrent;
  return (
    <section class="terminal" aria-label={`Terminal of ${agent.name}`}>
      <div class="tools">
        {outputs.length > 1 && (
          <label>
            Output of{' '}
            <select
              value={outputLabel(output)}
              onChange={({ currentTarget }) => choose(outputs[currentTarget.selectedIndex] ?? null)}
            >
              {outputs.map(given => (
                <option key={outputLabel(given)} value={outputLabel(given)}>
                  {outputLabel(given)}
                </option>
              ))}
            </select>
          </label>
        )}
        <span class="muted">{mayType ? 'What you type goes to the agent.' : 'Read-only.'}</span>
      </div>
      <Screen
        key={`${outputLabel(output)} ${mayType}`}
        store={store}
        agent={agent.name}
        output={output}
        mayType={mayType}
      />
    </section>
  );
}

const outputLabel = ({ of, number }: Output) => `${of} ${number}`;

interface ScreenProps {
  readonly store: Store;
  readonly agent: string;
  readonly output: Output;
  readonly mayType: boolean;
}

function Screen({ store, agent, output, mayType }: ScreenProps) {
  const place = useRef<HTMLElement>(null);
  const search = useRef<SearchAddon | null>(null);
  const [status, setStatus] = useState('connecting …');
  const hasXterm = useXterm();
  const { source } = store;
  const { of, number } = output;

  useEffect(() => {
    if (!hasXterm || !agentFlowXterm || !place.current) return;
    const { terminal, finder } = openTerminal(place.current, agentFlowXterm, mayType);
    search.current = finder;
    if (mayType)
      forwardTyping(terminal, keys => source.type(agent, keys).catch(({ message }) => setStatus(message)));
    const leaving = new AbortController();
    read(source.terminal(agent, { of, number }, leaving.signal), terminal, setStatus).catch(({ message }) => {
      if (!leaving.signal.aborted) setStatus(`broken off: ${message}`);
    });
    return () => {
      leaving.abort();
      terminal.dispose();
    };
  }, [hasXterm, source, agent, of, number, mayType]);

  const find = (term: string, isBack: boolean) => {
    const found = isBack ? search.current?.findPrevious(term) : search.current?.findNext(term);
    setStatus(term === '' || found ? '' : `"${term}" was not found`);
  };
  const url = source.transcriptUrl(agent, output);
  return (
    <>
      <SearchForm find={find}>
        {url && (
          <a href={url} download={`${agent}-${outputLabel(output).replaceAll(' ', '-')}.log`}>
            Whole transcript
          </a>
        )}
        <output>{status}</output>
      </SearchForm>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled by keys too */}
      <section class="screen scroll" ref={place} tabIndex={0} aria-label="Screen" />
    </>
  );
}

/** Return whether xterm.js, a separate script, has been loaded. */
function useXterm(): boolean {
  const [hasXterm, setHasXterm] = useState(typeof agentFlowXterm !== 'undefined');
  useEffect(() => {
    if (hasXterm) return;
    const arrived = () => setHasXterm(typeof agentFlowXterm !== 'undefined');
    // It may have arrived since the component was rendered.
    arrived();
    addEventListener('xterm', arrived, { once: true });
    return () => removeEventListener('xterm', arrived);
  }, [hasXterm]);
  return hasXterm;
}

function openTerminal(place: HTMLElement, xterm: NonNullable<typeof agentFlowXterm>, mayType: boolean) {
  withoutInlineStyles();
  // The size of the tmux session, which the output was made for.
  const terminal = new xterm.Terminal({
    cols: 200,
    rows: 50,
    scrollback: 50_000,
    fontSize: 12,
    disableStdin: !mayType,
    // Links that an agent prints open nothing.
    linkHandler: { activate() {}, allowNonHttpProtocols: false },
  });
  const finder = new xterm.SearchAddon();
  terminal.loadAddon(finder);
  terminal.open(place);
  return { terminal, finder };
}

interface SearchFormProps {
  find(term: string, isBack: boolean): void;
  readonly children: ComponentChildren;
}

const SearchForm = ({ find, children }: SearchFormProps) => (
  <form
    class="search"
    onSubmit={event => {
      event.preventDefault();
      const isBack = (event.submitter as HTMLButtonElement | null)?.value === 'back';
      find(String(new FormData(event.currentTarget).get('term') ?? ''), isBack);
    }}
  >
    <input name="term" type="search" aria-label="Search in the terminal" placeholder="Search" />
    <button type="submit" value="on">
      Next
    </button>
    <button type="submit" value="back">
      Previous
    </button>
    {children}
  </form>
);

async function read(
  output: Promise<ReadableStream<Uint8Array> | null>,
  terminal: Terminal,
  setStatus: (text: string) => void,
): Promise<void> {
  const stream = await output;
  if (stream === null) return setStatus('nothing was printed');
  setStatus('');
  // Bytes, not text: the terminal joins split characters. The next chunk is written when this one was handled.
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return setStatus('over');
    await new Promise<void>(resolve => terminal.write(value, resolve));
  }
}
