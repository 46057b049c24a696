#!/bin/sh
# Start script of the demo guest. `bulkhead_after=power-off` on the kernel's command line ends it without a shell.
export PATH=/bin HOME=/root PS1='linux# '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
hostname linux
for driver in /drivers/*; do
  [ -f "$driver" ] && insmod "$driver"
done
[ -b /dev/vda ] && mount -t ext4 /dev/vda /disk && echo "demo: disk $(cat /sys/block/vda/size) sectors, $(cat /disk/hello.txt)"
cd /root

demo
if [ "$bulkhead_after" = power-off ]; then
  poweroff -f
fi

echo "bulkhead: shell ready, 'poweroff -f' ends this partition"
setsid cttyhack sh
poweroff -f
