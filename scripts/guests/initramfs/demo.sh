#!/bin/sh
# An application in the guest: tells what it sees of the machine it believes to have.
read -r uptime _ < /proc/uptime
memory=$(sed -n 's/^MemTotal: *//p' /proc/meminfo)
hypervisor=no
grep -q '^flags.* hypervisor' /proc/cpuinfo && hypervisor=yes
echo "demo: $(uname -srm)"
echo "demo: date $(date -u '+%Y-%m-%d %H:%M:%S') UTC, up $uptime s"
echo "demo: memory $memory, processors $(grep -c '^processor' /proc/cpuinfo), hypervisor $hypervisor"
