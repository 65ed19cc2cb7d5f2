import test from 'ava';
import { dockerCli } from '../../../src/docker/cli.ts';
import { label } from '../../../src/docker/labels.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { readBlocked } from '../../../src/networks/read-blocked.ts';
import { never } from '../_helpers/actor-ports.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';

const run = { instance: 'i', runId: 'r1234567' };
const owner = { agent: 'a', attempt: 1 };
const options = { ...run, docker: dockerCli(nullRecorder), recorder: nullRecorder };
const state = { Status: 'running', ExitCode: 0, OOMKilled: false, StartedAt: '', FinishedAt: '' };
const proxy = (instance: string) =>
  JSON.stringify([
    {
      ...{ Id: 'proxy', Name: 'n', Created: '', Image: '', State: state },
      Config: { Image: '', Labels: { [label.instance]: instance, [label.runId]: run.runId } },
    },
  ]);
const blocked = (host: string) => `1 tmux-agent-r1234567-a-1.net TCP_DENIED/403 CONNECT ${host}:443`;

/** A docker whose proxy runs `exec` for a request of ours, and logs a second host only after it. */
const dockerWith = (exec: string, instance = 'i') => `case $1 in
  inspect | container) printf '%s' '${proxy(instance)}' ;;
  exec) ${exec} ;;
  logs)
    echo '${blocked('early.example')}'
    [ "$2" = --follow ] || exit 0
    sleep 0.3
    echo '${blocked('late.example')}'
    echo "1 localhost TCP_DENIED/403 CONNECT $(cat "$here/mark"):443"
    echo $$ >>"$here/pid"
    exec sleep 60 ;;
  esac`;

test.serial('the log of a proxy is followed until it has a request of ours', async t => {
  fakeDocker(t, dockerWith('printf %s "$4" >"$here/mark"'));
  t.deepEqual(await readBlocked('name', owner, options, never), ['early.example:443', 'late.example:443']);
});

test.serial('the log of a proxy that has ended is read as it is', async t => {
  fakeDocker(t, dockerWith('echo "Container proxy is not running" >&2; exit 1'));
  t.deepEqual(await readBlocked('name', owner, options, never), ['early.example:443']);
});

test.serial('a proxy that is not ours is not read', async t => {
  fakeDocker(t, dockerWith('touch "$here/mark"', 'other'));
  t.deepEqual(await readBlocked('name', owner, options, never), []);
});
