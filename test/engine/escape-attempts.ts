/**
 * Attempts of a hostile agent. Each script exits 0 if it succeeded. Its control, the same script in a container whose
 * guard is off, has to succeed: otherwise the attempt would prove nothing.
 */
export interface Attempt {
  readonly does: string;
  readonly script: string;
  /** Flags that remove the guard. */
  readonly open?: readonly string[];
  /** The product's own flags that are the guard. */
  readonly guard?: RegExp;
}

const admin = [
  '--cap-add=SYS_ADMIN',
  '--security-opt=seccomp=unconfined',
  '--security-opt=apparmor=unconfined',
];
const bare = ['--security-opt=systempaths=unconfined'];

/** A system call by its number on x86-64; it succeeds if the kernel returns anything but "not permitted". */
const permitted = (call: string) =>
  `perl -e 'my $e = "\\0" x 128; $! = 0; my $r = syscall(${call}); exit($r == -1 && ($! == 1 || $! == 38) ? 1 : 0)'`;

/** Shared, since several attempts need a process of another user. */
const asOther = 'setpriv --reuid=1000 --regid=1000 --clear-groups';

export const attempts: readonly Attempt[] = [
  { does: 'mounts a file system', script: 'mount -t tmpfs none /mnt', open: admin },
  {
    does: "remounts the kernel's settings writable",
    script: 'mount -o remount,rw /proc/sys',
    open: admin,
  },
  { does: 'binds a directory over another', script: 'mount --bind /tmp /mnt', open: admin },
  { does: 'unmounts a mount', script: 'umount -l /etc/hosts', open: admin },
  { does: 'gives itself a mount namespace', script: 'unshare --mount true', open: admin },
  {
    does: 'becomes root of a user namespace',
    script: 'setpriv --reuid=1000 --regid=1000 --clear-groups unshare --user --map-root-user true',
    open: ['--security-opt=seccomp=unconfined'],
  },
  { does: 'renames the machine', script: 'hostname owned', open: admin },
  { does: 'makes a block device', script: 'mknod /tmp/disk b 8 0', open: ['--cap-add=MKNOD'] },
  {
    does: 'opens a device of the host',
    script: 'mknod /tmp/kmsg c 1 11 && : </tmp/kmsg',
    open: ['--cap-add=MKNOD', '--cap-add=SYSLOG', '--device-cgroup-rule=c 1:11 r'],
  },
  {
    does: 'opens a raw socket',
    script: `perl -e 'socket(S, 2, 3, 1) or exit 1'`,
    open: ['--cap-add=NET_RAW'],
  },
  {
    does: 'listens to every packet',
    script: `perl -e 'socket(S, 17, 3, 768) or exit 1'`,
    open: ['--cap-add=NET_RAW'],
  },
  {
    does: 'changes its network',
    script: `perl -e 'socket(S, 2, 2, 0) or exit 1; my $r = pack("a16s", "lo", 0); exit(ioctl(S, 0x8914, $r) ? 0 : 1)'`,
    open: ['--cap-add=NET_ADMIN'],
  },
  {
    does: "traces another user's process",
    script: `${asOther} sleep 20 & sleep 0.5; perl -e 'exit(syscall(101, 16, $ARGV[0] + 0, 0, 0) == 0 ? 0 : 1)' $!`,
    open: ['--cap-add=SYS_PTRACE'],
  },
  {
    does: 'leaves its root directory',
    script: 'chroot / true',
    open: ['--cap-add=SYS_CHROOT'],
  },
  {
    does: 'opens files of the host by their handles',
    script: permitted('304, -100, $e, 0'),
    open: ['--cap-add=DAC_READ_SEARCH'],
  },
  { does: 'loads a BPF program', script: permitted('321, 5, $e, 128'), open: admin },
  {
    does: "reads the kernel's keyring",
    script: permitted('250, 0, -3, 1'),
    open: ['--security-opt=seccomp=unconfined'],
  },
  {
    does: 'writes a setting of the kernel',
    script: 'cat /proc/sys/net/ipv4/ip_forward >/proc/sys/net/ipv4/ip_forward',
    open: [...bare, '--cap-add=NET_ADMIN'],
  },
  {
    does: 'steers the interrupts of the host',
    script: 'cat /proc/irq/default_smp_affinity >/proc/irq/default_smp_affinity',
    open: bare,
  },
  { does: "lists the kernel's timers", script: '[ -n "$(cat /proc/timer_list)" ]', open: bare },
  { does: "lists the kernel's keys", script: '[ -n "$(cat /proc/keys)" ]', open: bare },
  { does: 'reads the firmware', script: '[ -n "$(ls /sys/firmware)" ]', open: bare },
  {
    does: 'makes a control group of its own',
    script: 'd=/sys/fs/cgroup/pids; [ -d $d ] || d=/sys/fs/cgroup; mkdir $d/escape && rmdir $d/escape',
    open: ['--mount=type=bind,source=/sys/fs/cgroup,target=/sys/fs/cgroup'],
  },
  {
    does: "writes to the kernel's objects",
    script:
      'for f in /sys/kernel/mm/transparent_hugepage/enabled /sys/kernel/profiling; do [ -e "$f" ] && break; done; : >>"$f"',
    open: ['--mount=type=bind,source=/sys,target=/sys'],
  },
  {
    does: 'becomes root by a setuid program',
    script: `cp /usr/bin/id /tmp/id && chmod 4755 /tmp/id && [ "$(${asOther} /tmp/id -u)" = 0 ]`,
    guard: /no-new-privileges/,
  },
  {
    does: 'exceeds its memory limit',
    script: '[ "$(head -c 320M /dev/zero | tail -c 335544320 | wc -c)" = 335544320 ]',
    guard: /--memory/,
  },
  {
    does: 'reads the environment of a process of the host',
    script: 'cat /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n" | grep -q "^ESCAPE_CANARY=of-the-host$"',
    open: ['--pid=host', '--cap-add=SYS_PTRACE', '--security-opt=apparmor=unconfined'],
  },
  {
    does: 'ends a process of the host',
    script:
      'for p in /proc/[0-9]*; do grep -qa escape-targe[t] "$p/cmdline" 2>/dev/null && [ "${p#/proc/}" != $$ ] && kill -0 "${p#/proc/}" && exit 0; done; exit 1',
    open: ['--pid=host'],
  },
  {
    does: 'reads a file of the host through a link in its workspace',
    script: 'grep -q of-the-host /workspace/link',
    open: ['--mount=type=bind,source=$HOST,target=$HOST'],
  },
  {
    does: 'reads the workspace of a sibling',
    script: 'cat "$SIBLING"/* | grep -q of-the-sibling',
    open: ['--mount=type=bind,source=$SIBLING,target=$SIBLING'],
  },
  {
    does: 'speaks to the Docker engine',
    script: 'curl -sf --max-time 5 --unix-socket /var/run/docker.sock http://docker/_ping',
    open: ['--mount=type=bind,source=/var/run/docker.sock,target=/var/run/docker.sock'],
  },
  {
    does: 'writes to a read-only mount',
    script: 'echo x >>/mounted/file',
    guard: /target=\/mounted/,
    open: ['--mount=type=bind,source=$SIBLING,target=/mounted'],
  },
  {
    does: 'talks to the network',
    script: 'ls /sys/class/net | grep -qv "^lo$"',
    guard: /--network=none/,
  },
  // Last, because the processes it leaves behind would block others.
  {
    does: 'exceeds its process limit',
    script:
      "trap 'kill $(jobs -p)' EXIT; i=0; while [ $i -lt 260 ]; do sleep 100 & i=$((i + 1)); done 2>/dev/null; set -- /proc/[0-9]*; [ $# -gt 230 ]",
    guard: /pids-limit/,
  },
];
