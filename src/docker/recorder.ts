import { dockerEnv, type EngineAddress } from './engine-address.ts';
import { label } from './labels.ts';

/** The attempt that a call is made for. */
export interface CallScope {
  readonly agent: string;
  readonly attempt: number;
}

/** The end of a call. */
export interface CallEnd {
  readonly ok: boolean;
  /** null if it was cut off. */
  readonly exitCode: number | null;
  /** Docker's own stderr. */
  readonly stderr: string;
  /** The container's stderr, of a command that passes it on: untrusted data (I8). */
  readonly printed?: string;
  /** Why it was cut off; `overflow` means too much output. */
  readonly interrupted: 'timeout' | 'aborted' | 'overflow' | null;
}

/**
 * Records every docker call to one engine: it numbers the call and journals its intent before, its result after (I3). A
 * polling call is journaled only if its arguments or its result differ from the last one of its kind to the same engine, so
 * that a journal grows with changes only (I7).
 */
export interface Recorder {
  /** Environment variables that select the engine; undefined removes one. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Return a recorder for the engine at this address, with the same sequence of numbers. */
  to(address: EngineAddress): Recorder;
  call(
    args: readonly string[],
    scope: CallScope | null,
    isMutation: boolean,
    isPolling?: boolean,
  ): Promise<RecordedCall>;
}

interface RecordedCall {
  end<A extends CallEnd>(ended: A): A;
}

/** The events of a call, before and after it. */
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

/** The destination of the events: `append` resolves when the event is on disk. */
export interface CallSink {
  append(event: CallEvent): Promise<void>;
}

/**
 * Create a recorder. `redact` removes secrets from docker's stderr, not from its stdout, which is parsed and never shown
 * raw: a secret with the value `running` must not change a container's state. `now` returns milliseconds of a monotonic
 * clock.
 */
export function recorder(
  sink: CallSink,
  now: () => number,
  callsBefore = 0,
  redact = (text: string) => text,
): Recorder {
  let calls = callsBefore;
  const leadingTo = (address: EngineAddress | null): Recorder => {
    /** The arguments and the result of the last polling call, by its scope and command. */
    const polled = new Map<string, { readonly args: string; readonly end: string }>();
    return {
      get env() {
        return dockerEnv(address);
      },
      to: leadingTo,
      async call(args, scope, isMutation, isPolling = false) {
        const began = now();
        const argv = ['docker', ...args.map(withoutKey)];
        const append = (call: number) =>
          sink.append({
            type: 'docker.call',
            call,
            agent: scope?.agent ?? null,
            attempt: scope?.attempt ?? null,
            argv,
          });
        const key = `${scope?.agent ?? ''} ${args.slice(0, 2).join(' ')}`;
        const argsText = JSON.stringify(args);
        const before = isPolling ? polled.get(key) : undefined;
        const isRepeated = before?.args === argsText;
        let call = isRepeated ? null : ++calls;
        const written = call === null ? null : append(call);
        if (isMutation) await written;
        return {
          end(given) {
            const ended = {
              ...given,
              stderr: redact(given.stderr),
              ...(given.printed !== undefined && { printed: redact(given.printed) }),
            };
            const { ok, exitCode, interrupted, printed = '' } = ended;
            const stderr = ok ? '' : (ended.stderr.trim() || printed.trim()).slice(-500);
            const result = { ok, exitCode, interrupted, stderr };
            const end = JSON.stringify(result);
            if (isPolling) polled.set(key, { args: argsText, end });
            if (isRepeated && before.end === end) return ended;
            if (call === null) {
              call = ++calls;
              void append(call);
            }
            void sink.append({ type: 'docker.result', call, ms: now() - began, ...result });
            return ended;
          },
        };
      },
    };
  };
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
  call: async () => ({ end: ended => ended }),
});

/** A recorder for commands without a journal, such as `ps`. */
export const nullRecorder = unrecordedTo(null);
