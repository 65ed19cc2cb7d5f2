import { dockerEnv, type EngineAddress } from './engine-address.ts';
import { label } from './labels.ts';

/** For whom a call is made. */
export interface CallScope {
  readonly agent: string;
  readonly attempt: number;
}

/** How a call ended. */
export interface CallEnd {
  readonly ok: boolean;
  /** null where it was cut off. */
  readonly exitCode: number | null;
  /** What docker has said. */
  readonly stderr: string;
  /** What a container has printed to the stderr of a command that brings its output. It is data, and says nothing of docker. */
  readonly printed?: string;
  /** `overflow`: it printed more than is taken. */
  readonly interrupted: 'timeout' | 'aborted' | 'overflow' | null;
}

/**
 * Through it goes every docker call: it leads to one engine, numbers the call, and tells the journal of it: its intent
 * before, its result after. A polling call is told only where it differs from the last one of its kind or ends otherwise,
 * so that a journal grows with what changes.
 */
export interface Recorder {
  /** Of docker's environment what leads it to the engine; undefined takes a variable of our own away. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The same for calls to the engine at this address; their numbers go on. */
  to(address: EngineAddress): Recorder;
  call(
    args: readonly string[],
    owner: CallScope | null,
    changes: boolean,
    isPolling?: boolean,
  ): Promise<RecordedCall>;
}

interface RecordedCall {
  end<A extends CallEnd>(answer: A): A;
}

/** What is recorded of a call, before it and after it. */
type CallEvent =
  | {
      readonly type: 'docker.call';
      readonly call: number;
      readonly agent: string | null;
      readonly attempt: number | null;
      readonly argv: string[];
    }
  | ({ readonly type: 'docker.result'; readonly call: number; readonly ms: number } & Pick<
      CallEnd,
      'ok' | 'exitCode' | 'interrupted' | 'stderr'
    >);

/** Where calls are recorded: `append` resolves when the event is on disk. */
export interface CallSink {
  append(event: CallEvent): Promise<void>;
}

/**
 * `redact` takes secrets out of what docker says on stderr. Its stdout is data that is read, never shown unread: a secret
 * that happens to be `running` must not change what a container is. `now`: milliseconds of a clock that nobody sets.
 */
export function recorder(
  sink: CallSink,
  now: () => number,
  callsBefore = 0,
  redact = (text: string) => text,
): Recorder {
  let calls = callsBefore;
  /** Of polling calls, by whom they are for and their verb: the arguments of the last one, and how it ended. */
  const polled = new Map<string, { readonly args: string; readonly end: string }>();
  const leadingTo = (address: EngineAddress | null): Recorder => ({
    get env() {
      return dockerEnv(address);
    },
    to: leadingTo,
    async call(args, owner, changes, isPolling = false) {
      const began = now();
      const argv = ['docker', ...args.map(withoutKey)];
      const append = (call: number) =>
        sink.append({
          type: 'docker.call',
          call,
          agent: owner?.agent ?? null,
          attempt: owner?.attempt ?? null,
          argv,
        });
      const place = `${owner?.agent ?? ''} ${args[0]}`;
      const words = JSON.stringify(args);
      const before = isPolling ? polled.get(place) : undefined;
      const isRepeated = before?.args === words;
      let call = isRepeated ? null : ++calls;
      const written = call === null ? null : append(call);
      if (changes) await written;
      return {
        end(given) {
          const answer = {
            ...given,
            stderr: redact(given.stderr),
            ...(given.printed !== undefined && { printed: redact(given.printed) }),
          };
          const { ok, exitCode, interrupted, printed = '' } = answer;
          const stderr = ok ? '' : (answer.stderr.trim() || printed.trim()).slice(-500);
          const result = { ok, exitCode, interrupted, stderr };
          const end = JSON.stringify(result);
          if (isPolling) polled.set(place, { args: words, end });
          if (isRepeated && before.end === end) return answer;
          if (call === null) {
            call = ++calls;
            void append(call);
          }
          void sink.append({ type: 'docker.result', call, ms: now() - began, ...result });
          return answer;
        },
      };
    },
  });
  return leadingTo(null);
}

/** The key to sealed secrets must not lie beside them in the run folder. */
function withoutKey(arg: string): string {
  const flag = `--label=${label.seal}=`;
  return arg.startsWith(flag) ? `${flag}[secret]` : arg;
}

const unrecordedTo = (address: EngineAddress | null): Recorder => ({
  get env() {
    return dockerEnv(address);
  },
  to: unrecordedTo,
  call: async () => ({ end: answer => answer }),
});

/** For commands that keep no journal, such as `ps`. */
export const nullRecorder = unrecordedTo(null);
