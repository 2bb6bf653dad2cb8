#!/bin/sh
# What systemd runs in the test machine: the suites for services that it has delegated a control group to.

exec > /dev/ttyS1 2>&1
. /suite.sh

# suite NAME USER GROUP PROGRAM ARGUMENTS...: the program is the service's only process.
run() {
    user=$1
    shift 2
    systemd-run --quiet --wait --collect --uid "$user" --property Delegate=yes --property DefaultDependencies=no \
        --property RuntimeMaxSec=600 --property StandardOutput=file:/dev/ttyS1 --property StandardError=file:/tmp/stderr \
        --setenv NSPAWN_TEST_PROGRAMS --setenv NSPAWN_TEST_AWAY_MS --setenv HOME=/root "$@"
}

. "$work/vm/systemd"
finish
