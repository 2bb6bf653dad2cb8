//! A sandbox as data, and the code that carries it out: namespaces, mounts by descriptor, control groups and the
//! container's pid 1. Knows neither HCS nor Wine.
#![cfg(target_os = "linux")]
