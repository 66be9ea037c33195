# The machine that a real node believes to be its own: namespaces for mounts, network and processes, one cable to this
# machine, one cgroup. Arguments: a directory for its files, and the script that runs inside as process 1.
# Writes `ready` into the directory, with the machine's number and its process 1 as this machine counts. At SIGTERM all
# of it ends: with the namespaces go mounts, links, rules and processes; cgroups are removed here.
set -eu
dir=$1 inside=$2
number='' init='' holder=''

groups() { find /sys/fs/cgroup -depth -type d \( -name "headroom-node-$number" -o -path "*/headroom-node-$number/*" \); }

end() {
    trap '' TERM INT
    # Process 1 takes all others with it; before it is known, its holder does (--kill-child).
    kill -KILL ${init:-$holder} 2>/dev/null || :
    wait || :
    [ -n "$number" ] || return 0
    # Here only where the namespace that holds its other end never got it.
    ip link delete "hr-node-$number" 2>/dev/null || :
    tries=50
    while [ "$tries" -gt 0 ] && [ -n "$(groups)" ]; do
        groups | xargs -r rmdir 2>/dev/null || sleep 0.1
        tries=$((tries - 1))
    done
    rmdir /var/lib/cni/* /var/lib/cni 2>/dev/null || :
}
trap end EXIT
trap 'exit 0' TERM INT

unshare --mount --net --pid --ipc --uts --fork --kill-child -- /bin/sh "$inside" "$dir" &
holder=$!
until [ -s "$dir/init" ]; do kill -0 "$holder" || exit 1; sleep 0.02; done
init=$(cat "$dir/init")

# The link's name claims the number, and with it the addresses: several machines may run at once.
candidate=0
until error=$(ip link add "hr-node-$candidate" type veth peer name eth0 netns "$init" 2>&1); do
    case $error in *'File exists'*) ;; *) echo "ip link add: $error"; exit 1 ;; esac
    candidate=$((candidate + 1))
    [ "$candidate" -lt 250 ] || { echo 'all of hr-node-0 to hr-node-249 exist'; exit 1; }
done
number=$candidate
ip address add "10.245.$number.1/30" dev "hr-node-$number"
ip link set "hr-node-$number" up
within="nsenter --target $init --net"
$within ip address add "10.245.$number.2/30" dev eth0
$within ip link set lo up
$within ip link set eth0 up
$within ip route add default via "10.245.$number.1"
ip route add "10.244.$number.0/24" via "10.245.$number.2"

# cgroup v1 has one tree for each controller, v2 has one in all.
for tree in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [ -f "$tree/cgroup.procs" ] && [ ! -L "$tree" ] || continue
    case $tree in /sys/fs/cgroup/*) [ ! -f /sys/fs/cgroup/cgroup.procs ] || continue ;; esac
    mkdir -p "$tree/headroom-node-$number"
    # A group without processors or memory takes no process.
    for file in cpuset.cpus cpuset.mems; do
        [ ! -f "$tree/$file" ] || cat "$tree/$file" >"$tree/headroom-node-$number/$file"
    done
done

echo "$number $init" >"$dir/ready.partial"
mv "$dir/ready.partial" "$dir/ready"
wait "$holder"
