#!/bin/sh
# What systemd runs in the test machine: each suite as a service.

exec > /dev/ttyS1 2>&1
. /suite.sh

# A plain user's own systemd, as logind starts it for a session, with all controllers.
start_manager() {
    mkdir -p /run/systemd/user /run/user/1000
    chown 1000:1000 /run/user/1000
    chmod 700 /run/user/1000
    printf '[Unit]\nDefaultDependencies=no\n' > /run/systemd/user/suites.target
    cat > /run/systemd/system/user@1000.service <<END
[Unit]
DefaultDependencies=no
[Service]
Type=notify
User=1000
Delegate=cpu cpuset io memory pids
Environment=HOME=/home/plain XDG_RUNTIME_DIR=/run/user/1000
ExecStart=/lib/systemd/systemd --user --unit=suites.target
END
    systemctl start user@1000.service
}

# run_as_user PROGRAM ARGUMENTS...: as a service of that systemd.
run_as_user() {
    start_manager || return
    # The base layer is where the tests of root share theirs.
    [ -d "$work/tmp/walls_state/" ] && chown -R 1000:1000 "$work/tmp/walls_state/"
    cat > /run/systemd/user/suite.service <<END
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
TimeoutStartSec=900
Environment=NSPAWN_TEST_PROGRAMS=$NSPAWN_TEST_PROGRAMS NSPAWN_TEST_AWAY_MS=$NSPAWN_TEST_AWAY_MS
Environment=NSPAWN_TEST_DELEGATED=yes
StandardOutput=file:/dev/ttyS1
StandardError=file:/run/user/1000/stderr
ExecStart=$*
END
    chmod 666 /dev/ttyS1
    setpriv --reuid 1000 --regid 1000 --clear-groups env XDG_RUNTIME_DIR=/run/user/1000 \
        sh -c 'systemctl --user daemon-reload && systemctl --user start suite.service' 2> /tmp/stderr
    status=$?
    cat /run/user/1000/stderr >> /tmp/stderr
    return $status
}

# run USER DELEGATED PROGRAM ARGUMENTS...: the program is its service's only process.
run() {
    if [ "$2" = user ]; then
        shift 2
        run_as_user "$@"
        return
    fi
    user=$1 delegate=$2 number=$((number + 1))
    shift 2
    cat > /run/systemd/system/suite$number.service <<END
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
User=$user
Delegate=$delegate
TimeoutStartSec=900
Environment=HOME=/root NSPAWN_TEST_PROGRAMS=$NSPAWN_TEST_PROGRAMS NSPAWN_TEST_AWAY_MS=$NSPAWN_TEST_AWAY_MS
StandardOutput=file:/dev/ttyS1
StandardError=file:/tmp/stderr
ExecStart=$*
END
    systemctl start suite$number.service
}

. "$work/vm/systemd"
finish
