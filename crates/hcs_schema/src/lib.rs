//! The documents of the Windows Host Compute Service as plain typed data: schema v1 and schema v2, and the
//! results that the service answers with. No I/O, no platform code.
#![forbid(unsafe_code)]
