//! Conditions on the arguments of a call. What the kernel looks at are the lower 32 bits of each.

use std::io;

use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

/// A call whose argument `index` has the bits `bits` set.
pub(super) fn masked(index: u8, bits: u64) -> io::Result<SeccompRule> {
    rule(&[(index, bits)])
}

/// A call whose argument `index` is `value`.
pub(super) fn equal(index: u8, value: u64) -> io::Result<SeccompRule> {
    all([condition(index, SeccompCmpOp::Eq, value)])
}

/// A call whose argument `index` is none of `values`.
pub(super) fn none_of(index: u8, values: &[u64]) -> io::Result<SeccompRule> {
    all(values.iter().map(|value| condition(index, SeccompCmpOp::Ne, *value)))
}

/// A call each of whose named arguments has all of the bits named.
pub(super) fn rule(arguments: &[(u8, u64)]) -> io::Result<SeccompRule> {
    all(arguments.iter().map(|(index, bits)| condition(*index, SeccompCmpOp::MaskedEq(*bits), *bits)))
}

fn condition(
    index: u8,
    compared: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, compared, value)
}

fn all(
    conditions: impl IntoIterator<Item = Result<SeccompCondition, seccompiler::BackendError>>,
) -> io::Result<SeccompRule> {
    let conditions: Result<Vec<_>, _> = conditions.into_iter().collect();
    conditions.and_then(SeccompRule::new).map_err(io::Error::other)
}
