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

/// A call whose named arguments are none of the values named, and have the bits named.
pub(super) fn none_of(values: &[(u8, &[i32])], bits: &[(u8, u64)]) -> io::Result<SeccompRule> {
    let values = values.iter().flat_map(|(index, values)| values.iter().map(move |value| (*index, *value)));
    let others =
        values.map(|(index, value)| condition(index, SeccompCmpOp::Ne, value.cast_unsigned().into()));
    all(others.chain(have(bits)))
}

/// A call each of whose named arguments has all of the bits named.
pub(super) fn rule(arguments: &[(u8, u64)]) -> io::Result<SeccompRule> {
    all(have(arguments))
}

fn have(
    arguments: &[(u8, u64)],
) -> impl Iterator<Item = Result<SeccompCondition, seccompiler::BackendError>> {
    arguments.iter().map(|(index, bits)| condition(*index, SeccompCmpOp::MaskedEq(*bits), *bits))
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
