//! C-02 and C-03: processor time and affinity.

use serde_json::{Value, json};

use crate::case::{Case, rows};
use crate::hog::{Hog, number};
use crate::launcher::machine::{Need, processor_away_us, processors};
use crate::launcher::programs::Target;

rows!(a_count_is_a_rate, a_percentage_is_of_the_host, an_affinity_cannot_be_widened);

/// Asserts that four busy threads get no more than `share` processors' worth of time.
fn holds(case: Case, limits: &Value, share: f64) {
    let Some(hog) = Hog::held(case, limits, &[Need::Processors(2)]) else { return };
    let ran = hog.run(limits, &["burn", "4", "2000"]).succeeded();
    let (used, wall) = (number(&ran, "used") as f64, number(&ran, "wall") as f64);
    // The quota is given out by periods of 100 ms: one more than went by may have begun. Wine counts by 10 ms.
    let allowed = share * (wall + 110_000.0) * 1.03 + 20_000.0 + processor_away_us();
    assert!(used <= allowed, "{used} of {allowed} us in {wall} us");
    let report = hog.place.report();
    let counted = report["cpu_time_us"].as_f64().unwrap();
    assert!(counted >= used * 0.9, "{counted} of {used} us are in the report");
    let key = limits.as_object().unwrap().keys().next().unwrap();
    assert_eq!(hog.verdict(key), json!({"limit": key, "verdict": "enforced"}));
}

fn a_count_is_a_rate(case: Case) {
    holds(case, &json!({"cpus_count": 1}), 1.0);
}

fn a_percentage_is_of_the_host(case: Case) {
    for percent in [10, 25] {
        holds(case, &json!({"max_cpu_percent": percent}), f64::from(percent) / 100.0 * processors() as f64);
    }
}

fn an_affinity_cannot_be_widened(case: Case) {
    let limit = |mask: u64| json!({"cpu_affinity_hex": mask});
    let Some(hog) = Hog::held(case, &limit(1), &[Need::Processors(2)]) else { return };
    for mask in [1_u64, 2, 3] {
        let ran = hog.run(&limit(mask), &["processors"]).succeeded();
        assert_eq!(number(&ran, "may-use"), mask, "{ran:?}");
        // Windows numbers processors without gaps: there are as many as the last one's number says.
        let seen = match case.target {
            Target::Native => mask.count_ones(),
            Target::Windows => u64::BITS - mask.leading_zeros(),
        };
        assert_eq!(number(&ran, "count"), u64::from(seen), "{ran:?}");
        // Wine says that it took the wider mask; the kernel did not.
        assert!(case.target == Target::Windows || number(&ran, "after") == mask, "{ran:?}");
        assert_eq!(number(&ran, "ran-on") & !mask, 0, "{ran:?}");
        assert_eq!(hog.verdict("cpu_affinity_hex")["verdict"], "enforced");
    }
}
