# Process 1 of a real node's machine (machine.sh). Argument: its directory. What programs of a node write outside their
# own directories is led here, so that this machine's files and settings stay as they are.
set -eu
dir=$1
# The old /proc still counts as the machine outside does.
read -r init _ </proc/self/stat
# kubelet expects mounts to spread; that they end here is the namespace's doing.
mount --make-rshared /
mount -t proc proc /proc
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir -p "$dir/log" "$dir/cni-state" "$dir/sysctl" /var/lib/cni
mount --bind "$dir/log" /var/log
mount --bind "$dir/cni-state" /var/lib/cni
# kubelet sets these for the whole kernel, and nobody would set them back.
for setting in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
    kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
    copy=$dir/sysctl/$(basename "$setting")
    cat "/proc/sys/$setting" >"$copy"
    mount --bind "$copy" "/proc/sys/$setting"
done
# Of this network namespace only.
echo 1 >/proc/sys/net/ipv4/ip_forward
echo "$init" >"$dir/init.partial"
mv "$dir/init.partial" "$dir/init"
# A wait reaps orphans, as process 1 must.
sleep infinity &
wait
