# Sourced by what runs suites: says what begins and how it ended. `run` is the caller's.

stderr=/tmp/stderr

# suite NAME USER GROUP PROGRAM ARGUMENTS...: standard error comes after the rest, as it would cut lines of the rest.
suite() {
    echo "@suite $1"
    shift
    began=$(date +%s)
    : > "$stderr"
    run "$@"
    status=$?
    cat "$stderr"
    echo "@ended $status after $(($(date +%s) - began)) s"
}

finish() {
    echo "@done"
    sync
    poweroff -f
}
