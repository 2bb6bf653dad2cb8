#!/bin/sh
# What systemd runs in the test machine: each suite as a service.

exec > /dev/ttyS1 2>&1
. /suite.sh

# run USER DELEGATED PROGRAM ARGUMENTS...: the program is its service's only process.
run() {
    user=$1 delegate=$2 number=$((number + 1))
    shift 2
    cat > /run/systemd/system/suite$number.service <<END
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
User=$user
Delegate=$delegate
TimeoutStartSec=600
Environment=HOME=/root NSPAWN_TEST_PROGRAMS=$NSPAWN_TEST_PROGRAMS NSPAWN_TEST_AWAY_MS=$NSPAWN_TEST_AWAY_MS
StandardOutput=file:/dev/ttyS1
StandardError=file:/tmp/stderr
ExecStart=$*
END
    systemctl start suite$number.service
}

. "$work/vm/systemd"
finish
