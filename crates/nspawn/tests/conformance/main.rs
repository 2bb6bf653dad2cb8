//! What holds of a container's life, whatever engine runs it: one body a case, run on each [`Subject`].
//!
//! `fake` is the scripted engine; `linux` is the Linux engine with native programs, which start in milliseconds;
//! `wine` is the same with Windows programs; `hcs` is the Windows engine on the stand-ins of the Host Compute Service,
//! run under Wine, by both schemas. A subject that cannot run here is skipped by name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;
mod fake;
#[cfg(windows)]
mod hcs;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
#[allow(dead_code, reason = "each test binary uses its part")]
#[path = "../standin/mod.rs"]
mod standin;
mod subject;
#[cfg(target_os = "linux")]
#[path = "../support/mod.rs"]
mod support;

/// Runs a case on the Linux engine, or says why it cannot.
#[cfg(target_os = "linux")]
fn on_linux(case: &str, subject: Result<linux::Linux, String>, body: fn(&linux::Linux)) {
    match subject {
        Ok(subject) => body(&subject),
        Err(reason) => support::skip(case, &reason),
    }
}

macro_rules! suite {
    ($($case:ident),* $(,)?) => {
        mod on_fake {
            $(#[test]
            fn $case() {
                super::cases::$case(&super::fake::Fake);
            })*
        }

        #[cfg(target_os = "linux")]
        mod on_linux {
            $(#[test]
            fn $case() {
                let subject = super::linux::Linux::native();
                super::on_linux(concat!("on_linux::", stringify!($case)), subject, super::cases::$case);
            })*
        }

        #[cfg(target_os = "linux")]
        mod on_wine {
            $(#[test]
            fn $case() {
                let subject = super::linux::Linux::windows();
                super::on_linux(concat!("on_wine::", stringify!($case)), subject, super::cases::$case);
            })*
        }

        #[cfg(windows)]
        mod on_hcs_v1 {
            $(#[test]
            fn $case() {
                let test = concat!("on_hcs_v1::", stringify!($case));
                super::hcs::check(test, nspawn::document::Schema::V1, super::cases::$case);
            })*
        }

        #[cfg(windows)]
        mod on_hcs_v2 {
            $(#[test]
            fn $case() {
                let test = concat!("on_hcs_v2::", stringify!($case));
                super::hcs::check(test, nspawn::document::Schema::V2, super::cases::$case);
            })*
        }
    };
}

suite![
    exit_codes_are_passed_on,
    phases_come_in_order,
    a_failed_step_gives_everything_back,
    a_program_that_heeds_the_event_ends_by_itself,
    a_program_that_does_not_is_killed_after_its_grace,
    when_its_time_is_up_a_program_is_told_then_killed,
    a_name_is_refused_while_it_runs_and_free_afterwards,
    a_container_that_ended_leaves_nothing,
    dropping_it_at_any_phase_gives_everything_back,
    a_running_container_is_not_collected,
    containers_end_apart,
    the_account_that_was_asked_for_is_reported,
];
