use nspawn::Result;

/// A new thread of Windows shares nothing that we change, and impersonates nobody, whatever its maker does.
///
/// # Errors
/// None here.
pub(crate) fn set_apart() -> Result<()> {
    Ok(())
}
