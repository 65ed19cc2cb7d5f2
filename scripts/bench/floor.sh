#!/usr/bin/env bash
# The floor of the benchmark: run agents with one docker command for each step, and with the flags of agent-flow's
# `docker create`. It has no journal, no limits of time, no recovery, and removes nothing after a failure.
#
#   floor.sh COUNT AT_ONCE IMAGE LABEL CPUS COMMAND
set -euo pipefail
count=$1 at_once=$2
export image=$3 label=$4 cpus=$5 command=$6

# Without a poll: the fifo ends with the pane, and the container with the fifo.
export entry='mkfifo /tmp/pane
tmux new-session -d -s agent -x 200 -y 50 sh \; pipe-pane -t =agent: "exec cat >/tmp/pane"
cat /tmp/pane
read -r code </tmp/code
exit "$code"'
export wait_for_tmux='until tmux has-session -t =agent 2>/dev/null; do sleep 0.02; done'

run_agent() { # run_agent NAME
  local id code
  local flags=(
    --init --pull=never --restart=no --workdir=/workspace --stop-signal=TERM
    --cap-drop=ALL --cap-add=CHOWN --cap-add=DAC_OVERRIDE --cap-add=FOWNER --cap-add=KILL --cap-add=SETGID --cap-add=SETUID
    --security-opt=no-new-privileges --ulimit=core=0
    --log-driver=json-file --log-opt=mode=blocking --log-opt=max-size=67108864 --log-opt=max-file=3 --log-opt=compress=false
    --pids-limit=4096 --memory=4294967296 --memory-swap=4294967296 --cpus="$cpus"
    --network=tmux-agents --network-alias="$1.bench"
    --env=TMUX= --env=TMUX_TMPDIR=
    --label="$label" --label=bench.agent-id="bench/$1" --label=bench.session-name=agent --label=bench.ai-provider=command
    --label=bench.created-at=2026-01-01T00:00:00.000Z --label=bench.instance=90410cac8734ed1d --label=bench.run-id=rbnpk4ya
    --label=bench.agent="$1" --label=bench.attempt=1 --label=bench.spec-hash=393177793b38703e2a38955e1dfb1c78
    --label=bench.role=agent
  )
  id=$(docker run --detach "${flags[@]}" --entrypoint=sh "$image" -c "$entry")
  docker exec "$id" sh -c "$wait_for_tmux"
  # The container may end first, and the exec with 137.
  docker exec "$id" tmux send-keys -t =agent: "$command; echo \$? >/tmp/code; exit" Enter || true
  code=$(docker wait "$id")
  docker logs "$id" | grep 'hello.$' >/dev/null
  docker rm --force --volumes "$id" >/dev/null
  [ "$code" = 0 ]
}
export -f run_agent

seq "$count" | xargs -P "$at_once" -I{} bash -euo pipefail -c 'run_agent agent-{}'
